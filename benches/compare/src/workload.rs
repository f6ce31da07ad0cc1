//! Writes a workload into a folder: `workload KIND BYTES FOLDER` makes `input`, `expected` and `secrets` (one a line).

use std::{
    env,
    fs::File,
    io::{self, Write},
    path::Path,
};

#[path = "../../workload.rs"]
mod workload;

use workload::{Kind, Workload};

fn main() -> io::Result<()> {
    let [kind, n_bytes, folder] = arguments();
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).expect("a known kind of workload");
    let made = Workload::new(kind, n_bytes.parse().expect("a number of bytes"));
    let folder = Path::new(&folder);
    File::create(folder.join("input"))?.write_all(made.input.as_bytes())?;
    File::create(folder.join("expected"))?.write_all(made.expected.as_bytes())?;
    File::create(folder.join("secrets"))?.write_all(made.secrets.join("\n").as_bytes())
}

fn arguments() -> [String; 3] {
    let arguments: Vec<String> = env::args().skip(1).collect();
    arguments.try_into().expect("usage: workload KIND BYTES FOLDER")
}
