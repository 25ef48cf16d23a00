//! How an augmentation is spelled: owns its settings' names, bounds and order, and refuses to know what they do.

use std::{fmt, str::FromStr};

use super::{Augmentation, InvalidAugmentation, STILL};

/// A number of an augmentation.
pub(super) struct Number {
    key: &'static str,
    least: f32,
    most: f32,
    of: fn(&mut Augmentation) -> &mut f32,
}

/// All of them, in the order in which they are shown.
pub(super) const NUMBERS: [Number; 6] = [
    Number { key: "rotation", least: 0.0, most: 180.0, of: |augmentation| &mut augmentation.rotation },
    Number { key: "scale", least: 0.0, most: 0.9, of: |augmentation| &mut augmentation.scale },
    Number { key: "shear", least: 0.0, most: 2.0, of: |augmentation| &mut augmentation.shear },
    Number { key: "shift", least: 0.0, most: 1000.0, of: |augmentation| &mut augmentation.shift },
    Number {
        key: "elastic-strength",
        least: 0.0,
        most: 100.0,
        of: |augmentation| &mut augmentation.elastic_strength,
    },
    Number {
        key: "elastic-smoothness",
        least: 1.0,
        most: 1000.0,
        of: |augmentation| &mut augmentation.elastic_smoothness,
    },
];

/// The setting that is on or off.
const CLASS_LIMITS: &str = "class-limits";

impl Number {
    pub(super) fn get(&self, augmentation: &Augmentation) -> f32 {
        *(self.of)(&mut augmentation.clone())
    }

    pub(super) fn check(&self, found: f32) -> Result<(), InvalidAugmentation> {
        if self.takes(found) { Ok(()) } else { Err(self.invalid(&found.to_string())) }
    }

    fn takes(&self, number: f32) -> bool {
        (self.least..=self.most).contains(&number)
    }

    fn parse(&self, text: &str) -> Result<f32, InvalidAugmentation> {
        text.trim().parse().ok().filter(|&number| self.takes(number)).ok_or_else(|| self.invalid(text))
    }

    fn invalid(&self, found: &str) -> InvalidAugmentation {
        let Number { key, least, most, .. } = *self;
        let (least, most) = (least.to_string(), most.to_string());
        InvalidAugmentation::Number { key, found: found.to_owned(), least, most }
    }
}

impl Augmentation {
    /// The list of settings, also of what has a name: what a name means may change from release to release.
    ///
    /// # Examples
    /// ```
    /// # use nn_train::Augmentation;
    /// let settings = Augmentation::AFFINE.settings();
    /// assert_eq!(settings, "rotation=10,scale=0.1,shear=0.15,shift=1");
    /// assert_eq!(settings.parse(), Ok(Augmentation::AFFINE));
    /// ```
    #[must_use]
    pub fn settings(&self) -> String {
        let changed = |number: &&Number| number.get(self) != number.get(&STILL);
        let spelled = |number: &Number| format!("{}={}", number.key, number.get(self));
        let mut settings: Vec<String> = NUMBERS.iter().filter(changed).map(spelled).collect();
        if self.class_limits {
            settings.push(format!("{CLASS_LIMITS}=yes"));
        }
        if settings.is_empty() {
            settings.push(spelled(&NUMBERS[0]));
        }
        settings.join(",")
    }
}

impl fmt::Display for Augmentation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = Augmentation::ALL_NAMED.iter().find(|(_, named)| named == self) {
            return f.pad(name);
        }
        f.pad(&self.settings())
    }
}

impl FromStr for Augmentation {
    type Err = InvalidAugmentation;

    fn from_str(text: &str) -> Result<Augmentation, InvalidAugmentation> {
        if let Some((_, named)) = Augmentation::ALL_NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*named);
        }
        if !text.contains('=') {
            let names = Augmentation::ALL_NAMED.map(|(name, _)| name).join(", ");
            return Err(InvalidAugmentation::Unknown { found: text.to_owned(), names });
        }
        let mut augmentation = STILL;
        let mut seen = Vec::new();
        for setting in text.split(',') {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            let key = key.trim();
            let key = if let Some(number) = NUMBERS.iter().find(|number| number.key == key) {
                *(number.of)(&mut augmentation) = number.parse(value)?;
                number.key
            } else if key == CLASS_LIMITS {
                augmentation.class_limits = match value.trim() {
                    "yes" => true,
                    "no" => false,
                    _ => {
                        return Err(InvalidAugmentation::Switch {
                            key: CLASS_LIMITS,
                            found: value.to_owned(),
                        });
                    }
                };
                CLASS_LIMITS
            } else {
                let keys: Vec<&str> = NUMBERS.iter().map(|number| number.key).chain([CLASS_LIMITS]).collect();
                return Err(InvalidAugmentation::Key { found: key.to_owned(), keys: keys.join(", ") });
            };
            if seen.contains(&key) {
                return Err(InvalidAugmentation::Repeated { key });
            }
            seen.push(key);
        }
        Ok(augmentation)
    }
}
