//! What may be typed after `serve`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::value;

const SERVE_EXAMPLES: &str = "\
Examples:
  nn-cli serve mnist.model
  nn-cli serve mnist.model --address 127.0.0.1:0 --json
  nn-cli serve mnist.model --address 0.0.0.0:7878 --host workshop.local

Open the address that it says in a browser, and draw. Programs ask with
  curl --data-binary @five.png http://127.0.0.1:7878/predict

Ctrl-C ends it. 127.0.0.1 is this machine alone; with 0.0.0.0 all that can reach it, a phone in the same network for \
instance, can use the page, for it knows neither passwords nor encryption.";

#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// A network that `nn-cli train` saved
    pub(crate) model: PathBuf,
    /// Where to listen: an address of this machine, and a port or 0 for any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7878", value_parser = value::address)]
    pub(crate) address: SocketAddr,
    /// A name by which browsers may call this server, besides localhost and addresses in numbers; may be given again
    #[arg(long = "host", value_name = "NAME", value_parser = value::host_name)]
    pub(crate) hosts: Vec<String>,
    /// Print one JSON object when it listens
    #[arg(long)]
    pub(crate) json: bool,
}
