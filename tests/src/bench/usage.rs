//! Processor time and memory of a process, from `/proc`.

use std::fs;

use super::Error;

/// Ticks per second in which Linux reports processor time to programs, on every architecture that
/// Rust's std supports.
const TICKS: f64 = 100.0;

/// Processor time in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) user: f64,
    pub(super) system: f64,
}

impl Cpu {
    /// Processor time of all threads of a process since its start.
    pub(super) fn of(process: u32) -> Result<Self, Error> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(Error::io("read the processor time"))?;
        // The fields follow the name, which may contain anything; it ends at the last parenthesis.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let mut fields = fields.split_whitespace().skip(11).map(|field| field.parse::<f64>().unwrap_or_default());
        let (user, system) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        Ok(Self { user: user / TICKS, system: system / TICKS })
    }

    pub(super) fn total(self) -> f64 {
        self.user + self.system
    }

    pub(super) fn since(self, begin: Self) -> Self {
        Self { user: self.user - begin.user, system: self.system - begin.system }
    }
}

/// Processor time of all running threads of a process in seconds. It is exact, but does not contain
/// the time of threads that have ended.
pub(super) fn cpu_time(process: u32) -> Result<f64, Error> {
    let failed = |error| Error::io("read the processor time")(error);
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task")).map_err(failed)? {
        // A thread may have ended.
        sum += scheduled(&task.map_err(failed)?.path().join("schedstat")).unwrap_or_default();
    }
    Ok(sum)
}

/// Processor time so far of the running threads of a process with this name, in seconds.
pub(super) fn time_of_threads(process: u32, name: &str) -> Result<f64, Error> {
    let failed = |error| Error::io("read the processor time")(error);
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{process}/task")).map_err(failed)? {
        let path = task.map_err(failed)?.path();
        // A thread may have ended.
        if fs::read_to_string(path.join("comm")).unwrap_or_default().trim() == name {
            sum += scheduled(&path.join("schedstat")).unwrap_or_default();
        }
    }
    Ok(sum)
}

/// Processor time so far of this thread, in seconds.
pub(super) fn thread_time() -> Result<f64, Error> {
    let path = std::path::Path::new("/proc/thread-self/schedstat");
    scheduled(path).ok_or_else(|| Error::new("the system does not report processor times"))
}

/// The first field of a file `schedstat`, in seconds.
fn scheduled(path: &std::path::Path) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.split_whitespace().next()?.parse::<u64>().ok()? as f64 / 1e9)
}

/// Resident memory of a process in bytes.
pub(super) fn resident(process: u32) -> Result<u64, Error> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).map_err(Error::io("read the memory use"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib * 1024).ok_or_else(|| Error::new("the system does not report how much memory a process uses"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_time_and_memory() {
        let this = std::process::id();
        let begin = Cpu::of(this).unwrap();
        let mut sum = 0_u64;
        while Cpu::of(this).unwrap().since(begin).total() < 0.02 {
            sum = sum.wrapping_add((0..100_000_u64).map(std::hint::black_box).sum());
        }
        assert!(sum > 0);
        let (exact, coarse) = (cpu_time(this).unwrap(), Cpu::of(this).unwrap().total());
        assert!(exact > 0.01 && exact < coarse + 0.5);
        assert!(resident(this).unwrap() > 100_000);
    }
}
