//! The best combination, trained once more: owns that it is made and measured once and that its files are on the disk
//! before anybody is told, and refuses to know how it was found.

use anyhow::{Context, Result};
use nn_train::write_atomically;

use super::{
    Session,
    records::{BEST_CONFIG, BEST_MODEL, Best, TestResult},
    standings::Standing,
    trial::train_best,
};

/// Above the configuration of the best network.
const OF_BEST: &str = "The best of a sweep, trained on all training samples; `nn-cli train --config FILE` makes the same \
                       network, byte for byte.";
/// Without a test set, `train` has nothing to measure such a network on.
const OF_BEST_UNTESTED: &str = "The best of a sweep, trained on all training samples. There is no test set: `nn-cli train \
                                --config FILE --validation 0.1` keeps some of them to measure on, and makes another network.";

impl Session<'_> {
    /// Trains the combination on all training samples, as long as in the last rung, with the first of the seeds, and
    /// measures it on the test set. Where that was done before, it is left as it is. `None` when it was interrupted.
    pub(super) fn retrain(&mut self, standing: &Standing) -> Result<Option<Best>> {
        let plan = &self.intent.plan;
        let combination = standing.combination;
        let seed = plan.seeds[0];
        let epochs = plan.full_epochs(combination);
        let is_it =
            |best: &Best| (best.combination, best.seed, best.epochs) == (combination + 1, seed, epochs);
        if let Some(best) = self.records.best().filter(is_it) {
            return Ok(Some(best));
        }
        self.records.forget_best()?;
        let candidate = &self.intent.candidates[combination];
        let task = candidate.task(self.shared.folder, (seed, epochs), 0, self.threads)?;
        self.teller.retraining(&self.intent.described(combination));
        let interrupt = self.interrupt;
        let trained = train_best(self.shared, &task, &|| interrupt.exit_status().is_some());
        self.teller.trainings_over();
        let trained =
            trained.with_context(|| format!("cannot save {}", self.intent.described(combination)))?;
        let Some((model, tally)) = trained else { return Ok(None) };
        self.records.check_held()?;
        let comment = if tally.is_some() { OF_BEST } else { OF_BEST_UNTESTED };
        let config = task.effective(0).text(comment, None)?;
        write_atomically(&self.records.file(BEST_CONFIG), |writer| writer.write_all(config.as_bytes()))?;
        nn_train::save(&model, &self.records.file(BEST_MODEL))?;
        let best = Best {
            combination: combination + 1,
            settings: self.intent.described(combination),
            seed,
            epochs,
            train_samples: self.shared.files.len(),
            test: tally.map(|tally| TestResult {
                samples: tally.samples,
                correct: tally.correct,
                loss: tally.mean_loss(),
            }),
        };
        self.records.keep_best(&best)?;
        Ok(Some(best))
    }
}
