//! What a server did, as Prometheus reads it. Labels are ids of rules and nothing that was seen.

use std::time::Duration;

use prometheus_client::{
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{rules::RuleSet, tally::Tally};

/// Counters of a hop; clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) messages: Counter,
    pub(crate) entries: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) refused: Counter,
    pub(crate) acks_sent: Counter,
    pub(crate) acks_received: Counter,
    pub(crate) resent: Counter,
    pub(crate) idle: Counter,
    pub(crate) connections: Gauge,
    pub(crate) queued_messages: Gauge,
    pub(crate) queued_bytes: Gauge,
    pub(crate) spooled_bytes: Gauge,
    withheld: Counter,
    torn: Counter,
    too_deep: Counter,
    findings: Family<Vec<(&'static str, String)>, Counter>,
    latency: Histogram,
}

impl Metrics {
    pub(crate) fn new() -> Metrics {
        Metrics {
            messages: Counter::default(),
            entries: Counter::default(),
            bytes_in: Counter::default(),
            bytes_out: Counter::default(),
            refused: Counter::default(),
            acks_sent: Counter::default(),
            acks_received: Counter::default(),
            resent: Counter::default(),
            idle: Counter::default(),
            connections: Gauge::default(),
            queued_messages: Gauge::default(),
            queued_bytes: Gauge::default(),
            spooled_bytes: Gauge::default(),
            withheld: Counter::default(),
            torn: Counter::default(),
            too_deep: Counter::default(),
            findings: Family::default(),
            // From 10 microseconds to 10 seconds.
            latency: Histogram::new(exponential_buckets(1e-5, 4.0, 11)),
        }
    }

    /// Adds what a scrubber did.
    pub(crate) fn add(&self, rules: &RuleSet, tally: &Tally) {
        self.withheld.inc_by(tally.withheld + tally.broken);
        self.torn.inc_by(tally.torn);
        self.too_deep.inc_by(tally.too_deep);
        if tally.findings() == 0 {
            return;
        }
        for (id, rule) in rules.iter().filter(|(id, _)| tally.of(*id) > 0) {
            self.findings.get_or_create(&vec![("rule", rule.id().to_owned())]).inc_by(tally.of(id));
        }
    }

    /// Counts bytes that were no message.
    pub(crate) fn withhold(&self) {
        self.withheld.inc();
    }

    /// What could not be examined, or not whole.
    pub(crate) fn incomplete(&self) -> u64 {
        self.withheld.get() + self.torn.get() + self.too_deep.get()
    }

    /// From a message's coming until the next hop had it.
    pub(crate) fn observe(&self, latency: Duration) {
        self.latency.observe(latency.as_secs_f64());
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        let mut registry = Registry::with_prefix("logscrub");
        let counters = [
            ("messages", "Messages that were read", &self.messages),
            ("records", "Records in them", &self.entries),
            ("bytes_in", "Bytes of messages that were read", &self.bytes_in),
            ("bytes_out", "Bytes of messages that were passed on", &self.bytes_out),
            ("refused", "Messages and connections that were refused", &self.refused),
            ("withheld", "Records and messages that could not be examined", &self.withheld),
            ("torn", "Lines that went on behind their chunk and had their end masked", &self.torn),
            (
                "too_deep",
                "Texts that were masked because they are encoded too deep to be looked into",
                &self.too_deep,
            ),
            ("acks_sent", "Acknowledgements that were sent", &self.acks_sent),
            ("acks_received", "Acknowledgements of the next hop", &self.acks_received),
            ("idle", "Connections that were closed because they were idle", &self.idle),
            (
                "resent",
                "Messages that were sent once more after a connection was lost",
                &self.resent,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let gauges = [
            ("connections", "Connections that are open", &self.connections),
            (
                "queued_messages",
                "Messages that the next hop has not acknowledged",
                &self.queued_messages,
            ),
            ("queued_bytes", "Bytes of these messages", &self.queued_bytes),
            (
                "spooled_bytes",
                "Bytes of the spool's segments; one goes when all of it was passed on",
                &self.spooled_bytes,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "findings",
            "Findings that were replaced, by rule",
            self.findings.clone(),
        );
        registry.register(
            "latency_seconds",
            "From a message's coming until the next hop had it",
            self.latency.clone(),
        );
        let mut text = String::new();
        encode(&mut text, &registry).expect("a String takes everything");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_with_their_rules() {
        let rules = RuleSet::embedded();
        let (id, rule) = rules.iter().next().expect("there are rules");
        let mut tally = Tally::default();
        tally.withheld = 2;
        tally.count(id);
        let metrics = Metrics::new();
        metrics.add(&rules, &tally);
        metrics.clone().messages.inc();
        metrics.observe(Duration::from_millis(3));
        let text = metrics.text();
        for line in [
            format!("logscrub_findings_total{{rule=\"{}\"}} 1", rule.id()),
            "logscrub_withheld_total 2".to_owned(),
            "logscrub_messages_total 1".to_owned(),
            "logscrub_latency_seconds_count 1".to_owned(),
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} is not in {text}");
        }
    }
}
