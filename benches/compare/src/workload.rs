//! Writes a workload into a folder: `workload KIND BYTES FOLDER` makes `input`, `expected` and
//! `secrets` (one a line). `workload hostile BYTES FOLDER` makes two files for each hostile input,
//! NAME.line and NAME.lines.

use std::{
    env,
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

#[path = "../../workload.rs"]
mod workload;

use workload::{Hostile, Kind, Workload};

fn main() -> io::Result<()> {
    let [kind, n_bytes, folder] = arguments();
    let (n_bytes, folder) = (n_bytes.parse().expect("a number of bytes"), Path::new(&folder));
    fs::create_dir_all(folder)?;
    if kind == "hostile" {
        return write_hostile(n_bytes, folder);
    }
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind).expect("a known kind of workload");
    let made = Workload::new(kind, n_bytes);
    File::create(folder.join("input"))?.write_all(made.input.as_bytes())?;
    File::create(folder.join("expected"))?.write_all(made.expected.as_bytes())?;
    File::create(folder.join("secrets"))?.write_all(made.secrets.join("\n").as_bytes())
}

fn write_hostile(n_bytes: usize, folder: &Path) -> io::Result<()> {
    for hostile in [Hostile::PLAIN].iter().chain(&Hostile::ALL) {
        let write = |form: &str, text: String| {
            File::create(folder.join(format!("{}.{form}", hostile.name)))?.write_all(text.as_bytes())
        };
        write("line", hostile.line(n_bytes))?;
        write("lines", hostile.lines(n_bytes))?;
    }
    Ok(())
}

fn arguments() -> [String; 3] {
    let arguments: Vec<String> = env::args().skip(1).collect();
    arguments.try_into().expect("usage: workload KIND BYTES FOLDER")
}
