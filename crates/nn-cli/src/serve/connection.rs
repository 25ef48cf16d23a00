//! Connections: owns how many there are, how long each may take, and how they end, and refuses to know what is asked.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{self, MissedTickBehavior},
};

use super::routes::Answers;
use crate::interrupt::Interrupt;

/// Connections at a time; more wait in the queue of the system.
const MOST_CONNECTIONS: usize = 256;

/// For the head of a request; also how long a connection may be idle.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// After this a connection takes no further request, so that nobody keeps one for ever, by reading slowly for instance.
const LIFETIME: Duration = Duration::from_secs(120);

/// For what is under way when a connection, or the server, is to end.
const LAST_TIME: Duration = Duration::from_secs(3);

/// How often to look whether the server is to end.
const TICK: Duration = Duration::from_millis(50);

/// What a browser and curl send is far below; hyper takes no less.
const MOST_HEAD_BYTES: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

/// Serves until a signal comes; gives the exit status that it asks for.
pub(super) async fn serve(listener: TcpListener, answers: Answers, interrupt: &Interrupt) -> u8 {
    let answers = Arc::new(answers);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // Each connection has a receiver: the sender tells them the end, and knows when they are gone.
    let (ending, ended) = watch::channel(());
    let mut tick = time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let accept = async || {
        // A semaphore that nobody closes.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        (place, listener.accept().await)
    };
    let mut accepting = Box::pin(accept());
    let status = loop {
        tokio::select! {
            (place, accepted) = &mut accepting => {
                accepting = Box::pin(accept());
                match accepted {
                    Ok((stream, client)) => {
                        let (answers, ended) = (Arc::clone(&answers), ended.clone());
                        tokio::spawn(async move {
                            talk(stream, client, answers, ended).await;
                            drop(place);
                        });
                    }
                    // The client left again, or the system has no more files to open: the next moment may be better.
                    Err(_) => time::sleep(TICK).await,
                }
            }
            _ = tick.tick() => if let Some(status) = interrupt.exit_status() { break status; },
        }
    };
    // No new connections: the system refuses them.
    drop(accepting);
    drop(listener);
    drop(ended);
    // Fails when there is no connection, and then there is none to wait for.
    let _ = ending.send(());
    let _ = time::timeout(LAST_TIME, ending.closed()).await;
    status
}

/// Answers the requests of one connection.
async fn talk(stream: TcpStream, client: SocketAddr, answers: Arc<Answers>, mut ended: watch::Receiver<()>) {
    // Answers are written as a whole; waiting for more would only delay them. Where it can't be set, so be it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(async |request| Ok::<_, Infallible>(answers.answer(client.ip(), request).await));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MOST_HEAD_BYTES)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // An error is the client's, who is gone.
        _ = connection.as_mut() => return,
        _ = ended.changed() => {}
        () = time::sleep(LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = time::timeout(LAST_TIME, connection).await;
}
