//! Where scrubbed messages go: to the next hops, to an output on this machine, or to the disk queue
//! in front of either.

use std::sync::Arc;

use super::{
    address::{Address, Target},
    client::{NextHopStatus, NextHops},
    delivery::DeliverySender,
    local_output::{self, OutputSignals},
    options::Options,
    queue::DiskQueue,
    shutdown::Shutdown,
    tls,
};
use crate::{error::Error, report::prometheus::Metrics};

/// The destination of scrubbed messages.
pub(crate) enum Destination {
    /// Each connection of a sender gets a client of its own: its messages stay in order and wait
    /// for no other connection.
    NextHops(Arc<NextHops>),
    /// All connections share one output.
    Output(DeliverySender),
    /// All connections share the disk queue, which delivers to the next hops, if there are any.
    DiskQueue(DiskQueue, Option<Arc<NextHops>>),
}

impl Destination {
    /// Opens what `--to` and `--spool` name.
    pub(crate) fn open(
        options: &Options,
        signals: OutputSignals,
        metrics: &Metrics,
        shutdown: &Shutdown,
    ) -> Result<Destination, Error> {
        let (output, next_hops) = match options.to.first() {
            Some(Target::Stdout) => {
                (Some(local_output::start(None, signals, metrics.clone(), shutdown)?), None)
            }
            Some(Target::File(path)) => {
                (Some(local_output::start(Some(path), signals, metrics.clone(), shutdown)?), None)
            }
            _ => (None, Some(Arc::new(next_hops(options, metrics)?))),
        };
        let Some(path) = &options.spool else {
            return match (output, next_hops) {
                (Some(output), _) => Ok(Destination::Output(output)),
                (None, Some(next_hops)) => Ok(Destination::NextHops(next_hops)),
                (None, None) => Err(no_destination()),
            };
        };
        let next = output
            .or_else(|| next_hops.as_ref().map(|next_hops| next_hops.start_client(shutdown)))
            .ok_or_else(no_destination)?;
        let queue = DiskQueue::start((path, options.spool_max), next, metrics, shutdown)?;
        Ok(Destination::DiskQueue(queue, next_hops))
    }

    /// The queue for the messages of one connection.
    pub(crate) fn sender(&self, shutdown: &Shutdown) -> DeliverySender {
        match self {
            Destination::NextHops(next_hops) => next_hops.start_client(shutdown),
            Destination::Output(sender) => sender.clone(),
            Destination::DiskQueue(queue, _) => queue.sender(),
        }
    }

    /// Whether the last attempt to connect to a next hop succeeded.
    pub(crate) fn is_reachable(&self) -> bool {
        match self {
            Destination::NextHops(next_hops) | Destination::DiskQueue(_, Some(next_hops)) => {
                next_hops.is_reachable()
            }
            Destination::Output(_) | Destination::DiskQueue(_, None) => true,
        }
    }
}

fn no_destination() -> Error {
    Error::usage("--to: no destination")
}

fn next_hops(options: &Options, metrics: &Metrics) -> Result<NextHops, Error> {
    let addresses: Vec<Address> = options
        .to
        .iter()
        .filter_map(|target| match target {
            Target::NextHop(address) => Some(address.clone()),
            Target::Stdout | Target::File(_) => None,
        })
        .collect();
    let own = options.tls.to_cert.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
    let tls = match &options.tls.to_ca {
        Some(ca) => Some(tls::connector(ca, own)?),
        None => None,
    };
    if let Some(address) = addresses.iter().find(|address| matches!(address, Address::Tls(_)))
        && tls.is_none()
    {
        return Err(Error::usage(format!("--to {address}: no certificate authority"))
            .hint("set --to-tls-ca"));
    }
    Ok(NextHops {
        addresses,
        tls,
        auth: options.client_auth.clone(),
        ack_timeout: options.ack_timeout,
        metrics: metrics.clone(),
        status: NextHopStatus::default(),
    })
}
