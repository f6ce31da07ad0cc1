//! The speed of scanning a block, of scrubbing it, and of a stream end to end.
//!
//! Every case checks its result first: the planted number of findings, the expected bytes, clean
//! input unchanged. `cargo bench -- --test` runs each once on small inputs.

use std::{
    hint::black_box,
    io::{self, Read},
};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use logscrub::{Outcome, Policy, RuleSet, ScrubReader, Scrubber, Style};

// The comparison uses the hostile inputs.
#[allow(dead_code)]
mod workload;

use workload::{GONE, Kind, Workload};

fn stages(criterion: &mut Criterion) {
    for kind in Kind::ALL {
        let workload = Workload::new(kind, size());
        let hay = workload.input.as_bytes();
        check_find(kind, &workload);
        check_whole(kind, &workload);
        check_stream(kind, &workload);

        let mut group = criterion.benchmark_group(kind.name());
        group.throughput(Throughput::Bytes(hay.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter("find"), hay, |bencher, hay| {
            let mut scrubber = scrubber();
            bencher.iter(|| scrubber.find(black_box(hay)).map(<[_]>::len));
        });
        group.bench_with_input(BenchmarkId::from_parameter("block"), hay, |bencher, hay| {
            let mut scrubber = scrubber();
            let mut out = Vec::with_capacity(hay.len());
            bencher.iter(|| {
                out.clear();
                scrubber.scrub_block(black_box(hay), &mut out)
            });
        });
        group.bench_with_input(BenchmarkId::from_parameter("stream"), hay, |bencher, hay| {
            bencher.iter_batched(
                || ScrubReader::new(black_box(hay), scrubber()),
                |mut reader| {
                    io::copy(&mut reader, &mut io::sink())
                        .expect("memory is read and nothing is written")
                },
                criterion::BatchSize::PerIteration,
            );
        });
        #[cfg(feature = "msgpack")]
        {
            let (chunk, lines) = chunk::of(hay);
            chunk::check(kind, &workload, &chunk, &lines);
            group.bench_with_input(
                BenchmarkId::from_parameter("lines"),
                &lines,
                |bencher, lines| {
                    let mut scrubber = scrubber();
                    let mut out = Vec::with_capacity(lines.len());
                    bencher.iter(|| {
                        out.clear();
                        scrubber.scrub_block(black_box(lines), &mut out)
                    });
                },
            );
            group.bench_with_input(
                BenchmarkId::from_parameter("chunk"),
                &chunk,
                |bencher, chunk| {
                    let mut scrubber = chunk::scrubber();
                    let mut out = Vec::with_capacity(chunk.len());
                    bencher.iter(|| {
                        out.clear();
                        scrubber.scrub_events(black_box(chunk), &mut out)
                    });
                },
            );
        }
        group.finish();
    }
}

/// Lines as msgpack records, and as the JSON lines that these are rendered as. The difference
/// between `chunk` and `lines` is the cost of walking, rendering and patching.
#[cfg(feature = "msgpack")]
mod chunk {
    use logscrub::{ChunkScrubber, Outcome, Policy, RuleSet, Style};

    use super::workload::{GONE, Kind, Workload};

    /// The chunk, and the lines.
    pub(crate) fn of(hay: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut chunk, mut lines) = (Vec::new(), Vec::new());
        for line in hay.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            // [time, {"log": line}], as Fluent Bit writes it.
            chunk.extend_from_slice(b"\x92\xce\x65\x53\xf1\x00\xdf\x00\x00\x00\x01\xa3log");
            write_text(line, &mut chunk);
            let text = std::str::from_utf8(line).expect("workloads are text");
            lines.extend_from_slice(
                format!("{{\"log\":{}}}\n", serde_json::Value::from(text)).as_bytes(),
            );
        }
        (chunk, lines)
    }

    /// A string with the shortest head, as changed strings are written.
    fn write_text(text: &[u8], chunk: &mut Vec<u8>) {
        let length = (text.len() as u32).to_be_bytes();
        match text.len() {
            0..32 => chunk.push(0xa0 | length[3]),
            32..0x100 => chunk.extend_from_slice(&[0xd9, length[3]]),
            0x100..0x1_0000 => chunk.extend_from_slice(&[0xda, length[2], length[3]]),
            _ => chunk.extend_from_slice(&[&[0xdb], &length[..]].concat()),
        }
        chunk.extend_from_slice(text);
    }

    pub(crate) fn scrubber() -> ChunkScrubber {
        let policy = Policy::new().style(Style::fixed(GONE).expect("letters alone"));
        ChunkScrubber::new(&RuleSet::embedded(), &policy).expect("the policy is plain")
    }

    pub(crate) fn check(kind: Kind, workload: &Workload, chunk: &[u8], lines: &[u8]) {
        let mut out = Vec::new();
        let outcome = scrubber().scrub_events(chunk, &mut out).expect("it is a chunk");
        if workload.secrets.is_empty() {
            assert_eq!(
                (outcome, out.len()),
                (Outcome::Clean, 0),
                "{}: a clean chunk was touched",
                kind.name()
            );
            return;
        }
        let mut clean = Vec::new();
        assert_eq!(super::scrubber().scrub_block(lines, &mut clean), Outcome::Changed);
        let expected = of(&texts(&clean)).0;
        assert!(
            outcome == Outcome::Changed && out == expected,
            "{}: the chunk came out wrong",
            kind.name()
        );
    }

    /// The text in each line of JSON.
    fn texts(lines: &[u8]) -> Vec<u8> {
        let records = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let text = |line: &[u8]| {
            let record: serde_json::Value = serde_json::from_slice(line).expect("JSON stays JSON");
            [record["log"].as_str().expect("a text").as_bytes(), b"\n"].concat()
        };
        records.flat_map(text).collect()
    }
}

/// The cost before the first byte: rules and engine.
fn start(criterion: &mut Criterion) {
    criterion.bench_function("start/rules", |bencher| bencher.iter(RuleSet::embedded));
    let rules = RuleSet::embedded();
    criterion.bench_function("start/scrubber", |bencher| {
        bencher.iter(|| {
            Scrubber::new(black_box(&rules), &Policy::new()).expect("the policy is plain")
        });
    });
}

/// Larger than every cache, or small if speed is not measured.
fn size() -> usize {
    if std::env::args().any(|argument| argument == "--test") { 256 << 10 } else { 8 << 20 }
}

fn scrubber() -> Scrubber {
    let policy = Policy::new().style(Style::fixed(GONE).expect("letters alone"));
    Scrubber::new(&RuleSet::embedded(), &policy).expect("the policy is plain")
}

fn check_find(kind: Kind, workload: &Workload) {
    let mut scrubber = scrubber();
    let hay = workload.input.as_bytes();
    let found: Vec<&[u8]> = scrubber
        .find(hay)
        .expect("the workload is text")
        .iter()
        .map(|finding| finding.span.of(hay))
        .collect();
    let planted: Vec<&[u8]> = workload.secrets.iter().map(String::as_bytes).collect();
    let place = found.iter().zip(&planted).position(|(found, planted)| found != planted);
    assert!(
        found == planted,
        "{}: {} found, {} planted, the first that differs is {place:?}",
        kind.name(),
        found.len(),
        planted.len()
    );
}

fn check_whole(kind: Kind, workload: &Workload) {
    let mut out = Vec::new();
    let outcome = scrubber().scrub_block(workload.input.as_bytes(), &mut out);
    if workload.secrets.is_empty() {
        assert_eq!(
            (outcome, out.len()),
            (Outcome::Clean, 0),
            "{}: clean input was touched",
            kind.name()
        );
    } else {
        assert_eq!(outcome, Outcome::Changed, "{}", kind.name());
        assert!(out == workload.expected.as_bytes(), "{}: the block came out wrong", kind.name());
    }
}

fn check_stream(kind: Kind, workload: &Workload) {
    let mut out = Vec::new();
    ScrubReader::new(workload.input.as_bytes(), scrubber())
        .read_to_end(&mut out)
        .expect("memory is read");
    assert!(out == workload.expected.as_bytes(), "{}: the stream came out wrong", kind.name());
}

criterion_group!(benches, stages, start);
criterion_main!(benches);
