//! Metrics of the Forward hop in the OpenMetrics text format. The only label is the rule id, so no
//! metric can carry data of a message.

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

/// Metrics of one hop. Clones share their values.
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
            // From 10 µs to 10 s.
            latency: Histogram::new(exponential_buckets(1e-5, 4.0, 11)),
        }
    }

    /// Adds the counts of a scrubber.
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

    /// Counts bytes that were not a message.
    pub(crate) fn count_withheld(&self) {
        self.withheld.inc();
    }

    /// The number of records and messages that could not be examined completely.
    pub(crate) fn n_unexamined(&self) -> u64 {
        self.withheld.get() + self.torn.get() + self.too_deep.get()
    }

    /// Records the time from receiving a message to its delivery.
    pub(crate) fn observe_latency(&self, latency: Duration) {
        self.latency.observe(latency.as_secs_f64());
    }

    /// The text of `/metrics`.
    pub(crate) fn text(&self) -> String {
        let mut registry = Registry::with_prefix("logscrub");
        let counters = [
            ("messages", "Messages received", &self.messages),
            ("records", "Records in received messages", &self.entries),
            ("bytes_in", "Bytes of received messages", &self.bytes_in),
            ("bytes_out", "Bytes of messages sent or written", &self.bytes_out),
            ("refused", "Messages and connections refused", &self.refused),
            (
                "withheld",
                "Records and messages withheld because they could not be examined",
                &self.withheld,
            ),
            (
                "torn",
                "Lines whose end was masked because they continue in a later chunk",
                &self.torn,
            ),
            (
                "too_deep",
                "Texts masked because they are nested in too many encodings",
                &self.too_deep,
            ),
            ("acks_sent", "Acknowledgements sent to senders", &self.acks_sent),
            ("acks_received", "Acknowledgements received from the next hop", &self.acks_received),
            ("idle", "Idle connections closed", &self.idle),
            ("resent", "Messages sent again after a connection was lost", &self.resent),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        let gauges = [
            ("connections", "Open connections of senders", &self.connections),
            (
                "queued_messages",
                "Messages not yet acknowledged by the next hop",
                &self.queued_messages,
            ),
            (
                "queued_bytes",
                "Bytes of messages not yet acknowledged by the next hop",
                &self.queued_bytes,
            ),
            (
                "spooled_bytes",
                "Bytes of spool segments on disk; a segment is removed when all of it is delivered",
                &self.spooled_bytes,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register("findings", "Findings replaced, by rule", self.findings.clone());
        registry.register(
            "latency_seconds",
            "Time from receiving a message to its delivery",
            self.latency.clone(),
        );
        let mut text = String::new();
        encode(&mut text, &registry).expect("writing to a String cannot fail");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_labelled_with_their_rule() {
        let rules = RuleSet::embedded();
        let (id, rule) = rules.iter().next().expect("there are rules");
        let mut tally = Tally::default();
        tally.withheld = 2;
        tally.count(id);
        let metrics = Metrics::new();
        metrics.add(&rules, &tally);
        metrics.clone().messages.inc();
        metrics.observe_latency(Duration::from_millis(3));
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
