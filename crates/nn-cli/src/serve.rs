//! `serve`: owns where a server listens, what it says of that, and how it ends, and refuses to know what it answers.

mod answer;
mod connection;
mod guard;
mod numbers;
mod page;
mod question;
mod reply;
mod routes;

use std::{
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
};

use anyhow::{Context, Error, Result, anyhow};
use serde::Serialize;
use tokio::{net::TcpListener, runtime::Builder};

use crate::{
    Outcome,
    args::ServeArgs,
    failure::Advised,
    interrupt::Interrupt,
    model,
    output::{self, Output, count, hyphenated},
};

/// That a server listens, as JSON.
#[derive(Serialize)]
struct Listening<'a> {
    event: &'static str,
    model: String,
    address: SocketAddr,
    url: &'a str,
}

pub(crate) fn run(args: &ServeArgs, output: &mut Output) -> Result<Outcome> {
    let model = model::load(&args.model)?;
    let network = format!(
        "{}, {}",
        hyphenated(&model::layers(&model.network)),
        count(model.network.outputs(), "class")
    );
    // Connections need no second thread: what takes long goes to threads of its own.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(routes::WORKERS)
        .build()
        .context("cannot start the server")?;
    let interrupt = Interrupt::watch()?;
    let answers = routes::Answers::new(&args.model, model, args.hosts.clone())?;
    let ended_by = runtime.block_on(async {
        let listener = TcpListener::bind(args.address).await.map_err(|error| refused(args.address, error))?;
        let address = listener.local_addr().context("cannot tell where the server listens")?;
        let url = format!("http://{}/", reachable(address));
        if args.json {
            let model = args.model.display().to_string();
            output.json(&Listening { event: "listening", model, address, url: &url })?;
        } else {
            output.line(format_args!("model    {}: {network}", args.model.display()))?;
            output.line(format_args!("page     {url}"))?;
        }
        output.flush()?;
        if !address.ip().is_loopback() {
            output::warning(format_args!(
                "everyone who can reach {address} can use this server: it knows neither passwords nor encryption"
            ));
        }
        if !args.json {
            output::note("draw on the page in a browser; Ctrl-C ends the server");
        }
        Ok::<u8, Error>(connection::serve(listener, answers, &interrupt).await)
    })?;
    // Nobody waits any more for what is still computed.
    runtime.shutdown_background();
    Ok(Outcome::Interrupted(ended_by))
}

/// An address that a browser can open for one that a server listens at.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    SocketAddr::new(own_address().unwrap_or(Ipv4Addr::LOCALHOST.into()), address.port())
}

/// The address of this machine in its network: where packets to elsewhere would be from. None is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address that is kept for documentation (RFC 5737).
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn refused(address: SocketAddr, error: std::io::Error) -> Error {
    let hint = match error.kind() {
        ErrorKind::AddrInUse => {
            "another program listens there; --address 127.0.0.1:0 takes any port that is free"
        }
        ErrorKind::PermissionDenied => "ports below 1024 are the system's: take another one, such as 7878",
        ErrorKind::AddrNotAvailable => "that is no address of this machine; 127.0.0.1 always is",
        _ => return anyhow!(error).context(format!("cannot listen at {address}")),
    };
    Advised::new(format!("cannot listen at {address}: {error}"), hint).into()
}
