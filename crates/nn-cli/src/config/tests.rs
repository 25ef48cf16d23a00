//! That a configuration is read as it is written, and what is said of a wrong one.

use std::num::NonZeroU64;

use super::*;

fn wrong(text: &str) -> String {
    let wrong = Config::parse(text).unwrap_err();
    let (line, column) = position(text, wrong.span.start);
    format!("{line}:{column}: {}; {}", wrong.message, wrong.hint)
}

#[test]
fn a_setting_is_spelled_as_its_flag() {
    let text = "preset = 'article'\nhidden = [30, 20]\nrate = 1e-2\nbatch = 0x10\nseed = '18446744073709551615'\n\
                validation = 0.1\npatience = 3\ncheckpoint-every = 1_000\nschedule = \"step:2:0.5\"\ndata = 'a b'\n";
    let args = Config::parse(text).unwrap().args;
    assert_eq!(args.preset, Some(PresetName::Article));
    assert_eq!(args.hidden.unwrap().0, [30, 20]);
    assert_eq!((args.rate, args.batch, args.seed), (Some(0.01), Some(16), Some(u64::MAX)));
    assert_eq!(args.validation, Some(Validation::Fraction(0.1)));
    assert_eq!((args.patience, args.checkpoint_every), (Some(3), NonZeroU64::new(1000)));
    assert_eq!(args.data.folders, [Path::new("a b")]);
    let several = Config::parse("data = ['a', 'b']\norder = 'blocks:8,2'").unwrap().args;
    assert_eq!(several.data.folders, [Path::new("a"), Path::new("b")]);
    assert_eq!(several.order, Some("blocks:8,2".parse().unwrap()));
    assert_eq!((args.loss, args.run), (None, None));
    assert_eq!(Config::parse("hidden = []").unwrap().args.hidden.unwrap().0, [0; 0]);
    assert_eq!(Config::parse("hidden = 7").unwrap().args.hidden.unwrap().0, [7]);
    assert!(Config::parse("").unwrap().found.is_none());
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_with_what_was_meant() {
    for (text, message) in [
        ("rate = 0.1\nepohcs = 3\n", "2:1: unknown key `epohcs`; did you mean `epochs`?"),
        ("momentum = 3", "1:1: unknown key `momentum`; the keys are preset, hidden, "),
        ("[network]\nhidden = 3", "1:2: unknown key `network`; the keys are "),
        (
            "activation = 'rleu'",
            "1:14: wrong value `rleu` of `activation`: expected one of identity, sigmoid, relu, leaky-relu, tanh; \
             did you mean \"relu\"?",
        ),
        ("rate = 0", "1:8: wrong value `0` of `rate`: expected a finite number above 0"),
        ("rate = nan", "1:8: wrong value `nan` of `rate`: expected a finite number above 0"),
        ("batch = 1.5", "1:9: wrong value `1.5` of `batch`: expected a whole number of at least 1"),
        ("epochs = -1", "1:10: wrong value `-1` of `epochs`: expected a whole number of at least 1"),
        ("seed = 'x'", "1:8: wrong value `x` of `seed`: "),
        ("data = ''", "1:8: wrong value `` of `data`: "),
        ("data = []", "1:8: wrong value of `data`: expected names of folders, found none"),
        ("data = ['a', 3]", "1:14: wrong value of `data`: expected names of folders, found something else"),
        (
            "order = 'half'",
            "1:9: wrong value `half` of `order`: expected auto, full, blocks or blocks:BLOCK,WINDOW",
        ),
        ("schedule = 'one-cycel:0.2'", "; did you mean \"one-cycle\"?"),
        ("augment = 'mediun'", "; did you mean \"medium\"?"),
        ("average = 'eam:0.9'", "; did you mean \"ema\"?"),
        ("hidden = [3, 'x']", "1:10: wrong value `3,x` of `hidden`: expected the units of each hidden layer"),
        ("hidden = [3, true]", "1:14: expected a number, a text or a list of them, found another kind"),
        ("hidden = [3, [4]]", "1:14: expected a number, a text or a list of them, found another kind"),
        (
            "teacher = ['a', 'b,c']",
            "1:17: expected a number, a text or a list of them, found a text with a comma",
        ),
        ("teacher = []", "1:11: expected a value of `teacher`, found an empty list"),
        (
            "dropout = [0.1, 0.2, 0.3]",
            "1:11: wrong value `0.1,0.2,0.3` of `dropout`: expected HIDDEN or INPUTS,HIDDEN",
        ),
        ("rate = true", "1:8: expected a number, a text or a list of them, found a truth value"),
        ("rate = 2026-01-01", "found a date or time"),
        ("rate = {}", "found a table"),
        ("[[rate]]\n", "found another kind of value in a list"),
        ("rate = 0.1\nrate = 0.2\n", "2:1: duplicate key"),
        ("rate 0.1", "a configuration is TOML: a line `key = value`"),
        ("rate = ", "a configuration is TOML"),
        ("threads = 2", "unknown key `threads`"),
        ("output = 'x'", "unknown key `output`"),
        ("found = 3", "1:9: expected a table [found]"),
        ("[found]\nreleese = '0'", "2:1: unknown key `releese`; did you mean `release`?"),
        ("[found]\nrelease = '0'", "missing field `train-samples`"),
        ("[found]\nrelease = 7", "invalid type: integer `7`, expected a string"),
    ] {
        let found = wrong(text);
        assert!(found.contains(message), "{text}: {found}");
    }
    // Columns are characters.
    assert!(wrong("data = 'ä' ö = 3").starts_with("1:12: "), "{}", wrong("data = 'ä' ö = 3"));
}

#[test]
fn what_a_flag_separates_by_commas_may_be_a_list() {
    let args = |text: &str| Config::parse(text).unwrap().args;
    assert_eq!(args("dropout = [0.2, 0.5]").dropout, Some(DropoutShares { input: 0.2, hidden: 0.5 }));
    assert_eq!(args("dropout = [0, 0.5]").dropout, args("dropout = 0.5").dropout);
    let teachers = args("teacher = ['a.model', 'b.model']").teacher.unwrap();
    assert_eq!(teachers.0, ["a.model", "b.model"].map(std::path::PathBuf::from));
    let augment = args("augment = ['rotation=10', 'scale=0.1']").augment.unwrap();
    assert_eq!(augment.to_string(), "rotation=10,scale=0.1");
    assert_eq!(args("augment = []\nclip = []").augment, Some(OrNone(None)));
}

#[test]
fn the_readme_lists_every_key() {
    let (last, others) = KEYS.split_last().unwrap();
    let keys = format!("`{}` and `{last}`;", others.join("`, `"));
    assert!(include_str!("../../README.md").contains(&keys), "{keys}");
}

#[test]
fn what_is_written_is_read_again() {
    let recipes = PresetName::ALL.map(PresetName::recipe);
    let odd = Recipe { hidden: vec![], rate: 1e-20, batch: usize::MAX >> 1, ..recipes[0].clone() };
    let huge = Recipe { hidden: vec![300, 100], rate: f32::MAX, epochs: u32::MAX, ..recipes[1].clone() };
    let folders = ["a \"b\"\\c\n'", "d, e"].map(PathBuf::from);
    let seeds = [0, 1, i64::MAX as u64, u64::MAX].into_iter().cycle();
    for (recipe, seed) in recipes.iter().chain([&odd, &huge]).zip(seeds) {
        let found = Found {
            release: "0.0.0".to_owned(),
            train_samples: 7,
            train_sha256: "ab".to_owned(),
            held_out: "test".to_owned(),
            held_out_samples: 5,
            held_out_sha256: "cd".to_owned(),
            image_shape: vec![5, 3],
            layers: vec![15, 4, 2],
        };
        let effective = Effective {
            preset: PresetName::Article,
            recipe,
            seed,
            order: "blocks:128,512".parse().unwrap(),
            validation: Validation::Fraction(0.1),
            data: if seed == 0 { &folders[..1] } else { &folders },
            patience: Some(3),
            checkpoint_every: Some(u64::from(u32::MAX)),
            teacher: None,
            teacher_share: None,
        };
        let text = effective.text("two\nlines", Some(&found)).unwrap();
        assert!(text.starts_with("# two\n# lines\npreset = "), "{text}");
        let config = Config::parse(&text).unwrap();
        assert_eq!(config.found, Some(found));
        let args = &config.args;
        assert_eq!(Recipe::new(None, args).as_ref(), Ok(recipe), "{text}");
        assert_eq!((args.seed, args.validation), (Some(seed), Some(effective.validation)));
        assert_eq!((&args.data.folders[..], args.order), (effective.data, Some(effective.order)));
        assert_eq!(
            (args.patience, args.checkpoint_every.map(u64::from)),
            (Some(3), effective.checkpoint_every)
        );
    }
}

#[test]
fn what_was_typed_stands_above_what_the_file_says() {
    let file = Config::parse("seed = 3\norder = 'blocks'\nvalidation = 7\ndata = 'file'\n").unwrap();
    let typed = Config::parse("seed = 5").unwrap().args;
    let args = file.beneath(&typed);
    assert_eq!((args.seed, args.validation), (Some(5), Some(Validation::Count(7))));
    assert_eq!(args.data.folders, [Path::new("file")]);
    assert_eq!(args.order, Some("blocks:128,512".parse().unwrap()));
}
