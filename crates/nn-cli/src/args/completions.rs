//! What may be typed after `completions`.

use clap::Args;
use clap_complete::Shell;

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  nn-cli completions bash > ~/.local/share/bash-completion/completions/nn-cli
  nn-cli completions zsh > ~/.zfunc/_nn-cli
  nn-cli completions fish > ~/.config/fish/completions/nn-cli.fish

The folders are the usual ones: make them first where they are missing. zsh finds ~/.zfunc if `fpath+=~/.zfunc` stands \
before `compinit` in ~/.zshrc.";

#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell to complete in
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
