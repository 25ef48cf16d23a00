//! What the names of tensors tell: owns which words mean weights and biases, and the order of layers by name, and
//! refuses to know shapes.
//!
//! `fc1.weight`, `0.weight`, `layers.0.weight` (PyTorch), `dense_1/kernel:0` (Keras), `W1` and `coefs_0` (NumPy,
//! scikit-learn) are a word for the role and a name for the layer, in any order. Layers count as people count: 2
//! before 10, and `dense` before `dense_1`.

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Weights,
    Biases,
}

const WEIGHTS: [&str; 6] = ["weight", "weights", "kernel", "w", "coef", "coefs"];
const BIASES: [&str; 5] = ["bias", "biases", "b", "intercept", "intercepts"];

/// A name in its words, by which it is put in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(Vec<Word>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Number(u64),
    Letters(String),
}

impl Name {
    /// The words of a name: runs of letters and of digits, without Keras's `:0`.
    pub(super) fn of(text: &str) -> Name {
        let text = match text.rsplit_once(':') {
            Some((name, number)) if number.parse::<u32>().is_ok() => name,
            _ => text,
        };
        let mut words = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(char::is_alphanumeric) {
            rest = &rest[start..];
            let is_number = rest.starts_with(|character: char| character.is_ascii_digit());
            let is_part =
                |character: char| character.is_alphanumeric() && character.is_ascii_digit() == is_number;
            let (word, after) = rest.split_at(rest.find(|c| !is_part(c)).unwrap_or(rest.len()));
            words.push(match word.parse() {
                Ok(number) if is_number => Word::Number(number),
                _ => Word::Letters(word.to_lowercase()),
            });
            rest = after;
        }
        Name(words)
    }

    /// What a tensor of this name is for, and the name of its layer, if the name tells.
    pub(super) fn role(&self) -> Option<(Role, Name)> {
        let role = |word: &Word| match word {
            Word::Letters(word) if WEIGHTS.contains(&word.as_str()) => Some(Role::Weights),
            Word::Letters(word) if BIASES.contains(&word.as_str()) => Some(Role::Biases),
            _ => None,
        };
        let (position, role) =
            self.0.iter().enumerate().rev().find_map(|(position, word)| Some((position, role(word)?)))?;
        let mut layer = self.0.clone();
        layer.remove(position);
        Some((role, Name(layer)))
    }

    /// Whether this is one of its words, in lower case.
    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|found| matches!(found, Word::Letters(letters) if letters == word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_role_and_layer() {
        for (name, role, layer) in [
            ("fc1.weight", Role::Weights, "fc1"),
            ("0.bias", Role::Biases, "0"),
            ("model.layers.10.weight", Role::Weights, "model.layers.10"),
            ("sequential/dense_1/kernel:0", Role::Weights, "sequential/dense_1"),
            ("dense/bias:0", Role::Biases, "dense"),
            ("params/Dense_0/kernel", Role::Weights, "params/Dense_0"),
            ("W1", Role::Weights, "1"),
            ("b12", Role::Biases, "12"),
            ("weights.2", Role::Weights, "2"),
            ("coefs_0", Role::Weights, "0"),
            ("intercepts_0", Role::Biases, "0"),
            ("b.weight", Role::Weights, "b"),
            ("w", Role::Weights, ""),
        ] {
            assert_eq!(Name::of(name).role(), Some((role, Name::of(layer))), "{name}");
        }
        for name in ["arr_0", "bn1.running_mean", "layers/dense/vars/0", "", "::", "waste"] {
            assert_eq!(Name::of(name).role(), None, "{name}");
        }
    }

    #[test]
    fn layers_count_as_people_do() {
        for [first, second] in [
            ["layers.2", "layers.10"],
            ["dense", "dense_1"],
            ["fc1", "fc2"],
            ["arr_9", "arr_10"],
            ["fc9", "out"],
            ["18446744073709551615", "a99999999999999999999999"],
        ] {
            assert!(Name::of(first) < Name::of(second), "{first} {second}");
        }
        assert_eq!(Name::of("Dense_1"), Name::of("dense/1:0"));
    }
}
