//! The serialisable twins of what files of later versions have beside the description of version 1: owns the order of
//! fields and variants, and refuses to know what they mean.
//!
//! In version 2 an addition stands behind the description, and in version 3, of checkpoints alone, the order of the
//! samples behind that. Either is written only where something in it is not as it always was before: what needs none
//! keeps its bytes.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::{Deserialize, Serialize};

/// Of a model.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) preprocessing: Preprocessing,
    /// Of the training record, if there is one.
    pub(crate) ingredients: Ingredients,
}

/// Of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub(crate) ingredients: Ingredients,
    /// How many networks were averaged, where there is an average.
    pub(crate) averaged: Option<u64>,
}

/// Of a checkpoint of version 3.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) enum Order {
    #[default]
    Full,
    Blocks {
        block: NonZeroU64,
        window: NonZeroU64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) enum Preprocessing {
    #[default]
    None,
    Deskew,
}

#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Ingredients {
    augmentation: Option<Augmentation>,
    mixup: f32,
    label_smoothing: f32,
    input_dropout: f32,
    hidden_dropout: f32,
    weight_decay: f32,
    clip: Option<f32>,
    average: Option<Averaging>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Augmentation {
    rotation: f32,
    scale: f32,
    shear: f32,
    shift: f32,
    elastic_strength: f32,
    elastic_smoothness: f32,
    class_limits: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Averaging {
    Ema { decay: f32 },
    Tail { share: f32 },
}

impl From<crate::Order> for Order {
    fn from(order: crate::Order) -> Order {
        let number = |number: NonZeroUsize| number.try_into().unwrap_or(NonZeroU64::MAX);
        match order {
            crate::Order::Full => Order::Full,
            crate::Order::Blocks { block, window } => {
                Order::Blocks { block: number(block), window: number(window) }
            }
        }
    }
}

impl From<Order> for crate::Order {
    fn from(order: Order) -> crate::Order {
        // Blocks larger than the data are one of all of it, and so are windows.
        let number = |number: NonZeroU64| number.try_into().unwrap_or(NonZeroUsize::MAX);
        match order {
            Order::Full => crate::Order::Full,
            Order::Blocks { block, window } => {
                crate::Order::Blocks { block: number(block), window: number(window) }
            }
        }
    }
}

impl From<crate::Preprocessing> for Preprocessing {
    fn from(preprocessing: crate::Preprocessing) -> Preprocessing {
        match preprocessing {
            crate::Preprocessing::None => Preprocessing::None,
            crate::Preprocessing::Deskew => Preprocessing::Deskew,
        }
    }
}

impl From<Preprocessing> for crate::Preprocessing {
    fn from(preprocessing: Preprocessing) -> crate::Preprocessing {
        match preprocessing {
            Preprocessing::None => crate::Preprocessing::None,
            Preprocessing::Deskew => crate::Preprocessing::Deskew,
        }
    }
}

impl From<crate::Ingredients> for Ingredients {
    fn from(ingredients: crate::Ingredients) -> Ingredients {
        Ingredients {
            augmentation: ingredients.augmentation.map(Into::into),
            mixup: ingredients.mixup,
            label_smoothing: ingredients.label_smoothing,
            input_dropout: ingredients.input_dropout,
            hidden_dropout: ingredients.hidden_dropout,
            weight_decay: ingredients.weight_decay,
            clip: ingredients.clip,
            average: ingredients.average.map(Into::into),
        }
    }
}

impl From<Ingredients> for crate::Ingredients {
    fn from(ingredients: Ingredients) -> crate::Ingredients {
        crate::Ingredients {
            augmentation: ingredients.augmentation.map(Into::into),
            mixup: ingredients.mixup,
            label_smoothing: ingredients.label_smoothing,
            input_dropout: ingredients.input_dropout,
            hidden_dropout: ingredients.hidden_dropout,
            weight_decay: ingredients.weight_decay,
            clip: ingredients.clip,
            average: ingredients.average.map(Into::into),
        }
    }
}

impl From<crate::Augmentation> for Augmentation {
    fn from(augmentation: crate::Augmentation) -> Augmentation {
        Augmentation {
            rotation: augmentation.rotation,
            scale: augmentation.scale,
            shear: augmentation.shear,
            shift: augmentation.shift,
            elastic_strength: augmentation.elastic_strength,
            elastic_smoothness: augmentation.elastic_smoothness,
            class_limits: augmentation.class_limits,
        }
    }
}

impl From<Augmentation> for crate::Augmentation {
    fn from(augmentation: Augmentation) -> crate::Augmentation {
        crate::Augmentation {
            rotation: augmentation.rotation,
            scale: augmentation.scale,
            shear: augmentation.shear,
            shift: augmentation.shift,
            elastic_strength: augmentation.elastic_strength,
            elastic_smoothness: augmentation.elastic_smoothness,
            class_limits: augmentation.class_limits,
        }
    }
}

impl From<crate::Averaging> for Averaging {
    fn from(averaging: crate::Averaging) -> Averaging {
        match averaging {
            crate::Averaging::Ema { decay } => Averaging::Ema { decay },
            crate::Averaging::Tail { share } => Averaging::Tail { share },
        }
    }
}

impl From<Averaging> for crate::Averaging {
    fn from(averaging: Averaging) -> crate::Averaging {
        match averaging {
            Averaging::Ema { decay } => crate::Averaging::Ema { decay },
            Averaging::Tail { share } => crate::Averaging::Tail { share },
        }
    }
}
