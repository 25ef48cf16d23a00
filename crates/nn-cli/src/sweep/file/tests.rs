//! That a file is read as it is written, and what is said of a wrong one.

use super::*;

fn message(text: &str) -> String {
    let wrong = Sweep::parse(text).unwrap_err();
    let place = text.get(wrong.span).unwrap_or_default();
    format!("{place}: {}; {}", wrong.message, wrong.hint)
}

#[test]
fn settings_stand_at_the_top_and_what_is_tried_in_a_table() {
    let text = "preset = 'article'\nepochs = 3\nseeds = [5, 7]\nvalidation = 100\n\
                [grid]\nrate = [0.1, 1e-2]\nhidden = [[30, 20], 10, 'none']\n\
                [budget]\nepochs = 50\nminutes = 1.5\n";
    let sweep = Sweep::parse(text).unwrap();
    assert_eq!(sweep.base.epochs, Some(3));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(sweep.base_text, [pair("preset", "article"), pair("epochs", "3"), pair("validation", "100")]);
    assert_eq!((sweep.seeds, sweep.halving), (vec![5, 7], None));
    assert_eq!(sweep.budget, Budget { epochs: Some(50), minutes: Some(1.5) });
    let axis = |key: &str, values: &[&str]| Axis {
        key: key.to_owned(),
        values: Values::List(values.iter().map(|value| (*value).to_owned()).collect()),
    };
    let axes = vec![axis("rate", &["0.1", "1e-2"]), axis("hidden", &["30,20", "10", "none"])];
    assert_eq!(sweep.search, Search::Grid { axes });
}

#[test]
fn ranges_are_of_whole_numbers_where_both_ends_are() {
    let text = "seeds = 3\n[random]\ntrials = 9\nseed = 4\nrate = { from = 0.01, to = 1, scale = 'log' }\n\
                batch = { from = 10, to = 20 }\nactivation = ['relu', 'tanh']\n[halving]\nrungs = [1, 2, 8]\nkeep = 0.25\n";
    let sweep = Sweep::parse(text).unwrap();
    let Search::Random { trials: 9, seed: 4, axes } = sweep.search else { panic!("{:?}", sweep.search) };
    let range = |from, to, is_logarithmic, is_whole| Values::Range { from, to, is_logarithmic, is_whole };
    assert_eq!(axes[0].values, range(0.01, 1.0, true, false));
    assert_eq!(axes[1].values, range(10.0, 20.0, false, true));
    assert_eq!(axes[2].values, Values::List(vec!["relu".to_owned(), "tanh".to_owned()]));
    assert_eq!(sweep.seeds, [1, 2, 3]);
    assert_eq!(sweep.halving, Some(Halving { rungs: vec![1, 2, 8], keep: 0.25 }));
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_with_what_was_meant() {
    for (text, expected) in [
        ("epohcs = 3\n[grid]\nrate = [1]", "epohcs: unknown key `epohcs`; did you mean `epochs`?"),
        ("[grdi]\nrate = [1]", "grdi: unknown key `grdi`; did you mean `grid`?"),
        ("[grid]\nrat = [1]", "rat: unknown key `rat`; did you mean `rate`?"),
        ("[grid]\nrate = [1, 'x']", "'x': wrong value `x` of `rate`: expected a finite number above 0"),
        ("[grid]\nactivation = ['rleu']", "wrong value `rleu` of `activation`"),
        ("[grid]\nactivation = ['rleu']", "did you mean \"relu\"?"),
        ("[grid]\nrate = 0.1", "0.1: expected a list of values of `rate`, found a single one; "),
        ("[grid]\nrate = []", "[]: expected values of `rate`, found an empty list; "),
        ("[grid]\nhidden = []", "hidden = [\"none\", 50] has one network without"),
        ("[grid]\nrate = [0.1, 0.1]", "0.1: `0.1` stands twice among the values of `rate`"),
        ("[grid]\n", "expected settings with values to try in [grid], found none"),
        ("grid = 3\n", "3: expected a table [grid], found another kind of value"),
        ("rate = 0.1\n", "expected a table [grid] or [random] with what to try, found none"),
        ("", "expected a table [grid] or [random]"),
        ("[grid]\nrate = [1]\n[random]\ntrials = 1\nrate = [1]\n", "found both"),
        ("[grid]\nrate = { from = 1, to = 2 }", "a range is drawn from: it belongs into [random]"),
        ("[grid]\nseed = [1, 2]", "seed: `seed` is no setting of a sweep; `seeds = [1, 2, 3]` at the top"),
        ("seed = 1\n[grid]\nrate = [1]", "seed: `seed` is no setting of a sweep"),
        ("patience = 1\n[grid]\nrate = [1]", "`patience` is no setting of a sweep"),
        ("[grid]\nvalidation = [1, 2]", "`validation` is the same for all networks of a sweep"),
        ("[grid]\ndata = ['a', 'b']", "`data` is the same for all networks of a sweep"),
        ("validation = 0\n[grid]\nrate = [1]", "0: expected samples to choose by, found a validation of 0"),
        ("validation = 0.0\n[grid]\nrate = [1]", "expected samples to choose by"),
        ("[random]\nrate = [1]", "expected a key `trials` in [random], found none"),
        (
            "[random]\ntrials = 0\nrate = [1]",
            "wrong value `0` of `trials`: expected a whole number from 1 to ",
        ),
        ("[random]\ntrials = 3\n", "expected settings with values to try in [random]"),
        ("[random]\ntrials = 3\nrate = { from = 1, to = 0.1 }", "expected from < to, found 1 and 0.1"),
        ("[random]\ntrials = 3\nmixup = { from = 0, to = 0.1, scale = 'log' }", "expected 0 < from < to"),
        (
            "[random]\ntrials = 3\nrate = { form = 1, to = 2 }",
            "form: unknown key `form`; did you mean `from`?",
        ),
        ("[random]\ntrials = 3\nrate = { from = 1 }", "expected `from` and `to` of `rate`"),
        ("[random]\ntrials = 3\nrate = { from = 1, to = 2, scale = 'lin' }", "wrong value `lin` of `scale`"),
        (
            "[random]\ntrials = 3\nbatch = { from = 1.0, to = 9 }",
            "`batch` cannot be `3.4`, which is in the range: ",
        ),
        (
            "[random]\ntrials = 3\nmixup = { from = 0.0, to = 2.0 }",
            "`mixup` cannot be `1.4`, which is in the range",
        ),
        ("[random]\ntrials = 3\nactivation = { from = 0, to = 2 }", "`activation` cannot be `0`"),
        ("seeds = 0\n[grid]\nrate = [1]", "wrong value `0` of `seeds`"),
        ("seeds = []\n[grid]\nrate = [1]", "expected 1 to 1000 seeds, found 0"),
        ("seeds = [1, 1]\n[grid]\nrate = [1]", "the seed 1 stands twice"),
        (
            "[grid]\nrate = [1]\n[budget]\nhours = 1",
            "hours: unknown key `hours`; the keys are epochs, minutes",
        ),
        ("[grid]\nrate = [1]\n[budget]\nminutes = 0", "expected minutes above 0, found 0"),
        ("[grid]\nrate = [1]\n[halving]\nrungs = [1, 2]\nkepe = 1", "did you mean `keep`?"),
        (
            "[grid]\nrate = [1]\n[halving]\nrungs = [1, 2]\nkeep = 1",
            "expected a share between 0 and 1, found 1",
        ),
        ("[grid]\nrate = [1]\n[halving]\nrungs = [2, 2]\nkeep = 0.5", "each greater than the one before"),
        ("[grid]\nrate = [1]\n[halving]\nrungs = [2]\nkeep = 0.5", "at least two numbers of epochs"),
        ("[grid]\nrate = [1]\n[halving]\nkeep = 0.5", "expected `rungs` and `keep` in [halving]"),
        (
            "epochs = 3\n[grid]\nrate = [1]\n[halving]\nrungs = [1, 2]\nkeep = 0.5",
            "epochs: `epochs` and [halving] both",
        ),
        ("[grid]\nepochs = [1]\n[halving]\nrungs = [1, 2]\nkeep = 0.5", "`epochs` and [halving] both"),
        ("[grid]\nrate = [1]\nrate = [2]", "duplicate key"),
    ] {
        let found = message(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
    let grid: String = ["batch", "hidden", "epochs"]
        .map(|name| {
            format!("{name} = [{}]\n", (1..=50).map(|n| n.to_string()).collect::<Vec<_>>().join(", "))
        })
        .concat();
    assert!(
        message(&format!("[grid]\n{grid}")).contains("expected at most 100000 combinations, found 125000")
    );
}
