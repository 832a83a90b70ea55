//! What every program of the codec's benchmark does, as cpp/harness.h says it.
use std::{env, error::Error, fs, hint::black_box, io::Write};

pub type Failure = Box<dyn Error>;
/// Converts one message; the answer.
pub type Work = Box<dyn FnMut() -> Result<Vec<u8>, Failure>>;

/// `name` is CANDIDATE/DIRECTION/SHAPE.
pub struct Case {
    pub name: String,
    pub work: Work,
}

pub struct Shape {
    pub name: &'static str,
    pub json: Vec<u8>,
    pub wire: Vec<u8>,
}

impl Shape {
    pub fn read(folder: &str, name: &'static str) -> Result<Shape, Failure> {
        let json = fs::read(format!("{folder}/{name}.json"))?;
        let wire = fs::read(format!("{folder}/{name}.bin"))?;
        Ok(Shape { name, json, wire })
    }

    /// The cases of one candidate in both directions.
    pub fn both<R, W>(&self, candidate: &str, read: R, write: W) -> [Case; 2]
    where
        R: Fn(&[u8]) -> Result<Vec<u8>, Failure> + 'static,
        W: Fn(&[u8]) -> Result<Vec<u8>, Failure> + 'static,
    {
        let (json, wire) = (self.json.clone(), self.wire.clone());
        let case = |direction, work| Case {
            name: format!("{candidate}/{direction}/{}", self.name),
            work,
        };
        [
            case("json-to-wire", Box::new(move || read(&json))),
            case("wire-to-json", Box::new(move || write(&wire))),
        ]
    }
}

pub fn run(cases: impl Fn(&str) -> Result<Vec<Case>, Failure>) -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [folder, "answer", name] => answer(find(&mut cases(folder)?, name)?),
        [folder, "repeat", times, name] => repeat(find(&mut cases(folder)?, name)?, times.parse()?),
        [folder, "time", milliseconds, samples, name] => {
            let (seconds, mut found) = (milliseconds.parse::<f64>()? / 1e3, cases(folder)?);
            let least = least_seconds(find(&mut found, name)?, seconds, samples.parse()?)?;
            println!("{:.2}", least * 1e9);
            Ok(())
        }
        _ => Err("usage: FOLDER answer CASE | repeat TIMES CASE | time MS SAMPLES CASE".into()),
    }
}

fn find<'a>(cases: &'a mut [Case], name: &str) -> Result<&'a mut Case, Failure> {
    let found = cases.iter_mut().find(|case| case.name == name);
    found.ok_or_else(|| format!("no case {name}").into())
}

fn answer(case: &mut Case) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(&(case.work)()?)?)
}

fn repeat(case: &mut Case, times: u64) -> Result<(), Failure> {
    for _ in 0..times {
        black_box((case.work)()?);
    }
    Ok(())
}

/// CPU seconds per message: the least of `samples` samples of about `seconds` each.
fn least_seconds(case: &mut Case, seconds: f64, samples: usize) -> Result<f64, Failure> {
    let (mut times, mut taken) = (1, sample(case, 1)?);
    while taken < seconds / 2.0 {
        times *= if taken < seconds / 20.0 { 8 } else { 2 };
        taken = sample(case, times)?;
    }
    times = ((times as f64 * seconds / taken) as u64).max(1);
    let mut least = f64::INFINITY;
    for _ in 0..samples {
        least = least.min(sample(case, times)? / times as f64);
    }
    Ok(least)
}

fn sample(case: &mut Case, times: u64) -> Result<f64, Failure> {
    let begin = cpu_seconds();
    repeat(case, times)?;
    Ok(cpu_seconds() - begin)
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec to be written.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
