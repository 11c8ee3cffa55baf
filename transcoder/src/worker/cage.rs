//! What the worker may do once libav is loaded and before the first byte of input is read: use its
//! pipes, take memory up to a bound, and make threads. A flaw in a codec then gives whoever sends the
//! pictures nothing but this broadcast's own pictures.
//!
//! The kernel answers every other system call with EPERM and kills nobody for it: libc and libav ask
//! for things that they do well without, such as the number of processors in `/sys`.

use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

/// Calls that are allowed whatever their arguments.
const ALLOWED: [i64; 33] = [
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_clone3,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrusage,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
];
const ENDS: [i64; 2] = [libc::SYS_exit, libc::SYS_exit_group];

#[derive(Debug, thiserror::Error)]
pub enum CageError {
    #[error("limit of memory: {0}")]
    Memory(#[from] nix::Error),
    #[error("filter of system calls: {0}")]
    Calls(#[from] seccompiler::Error),
}

impl From<seccompiler::BackendError> for CageError {
    fn from(error: seccompiler::BackendError) -> Self {
        Self::Calls(error.into())
    }
}

/// For ever, for every thread of this process.
pub fn enter(memory_bytes: u64) -> Result<(), CageError> {
    // Of what could be written to: address space that is only set aside costs nothing.
    setrlimit(Resource::RLIMIT_DATA, memory_bytes, memory_bytes)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    apply_filter_all_threads(&plain_threads()?)?;
    // The last one, as it takes the right to set another.
    Ok(apply_filter_all_threads(&only_these()?)?)
}

fn only_these() -> Result<BpfProgram, CageError> {
    let mut rules: BTreeMap<_, _> = ALLOWED.into_iter().chain(ENDS).map(|call| (call, Vec::new())).collect();
    let bits = |argument, mask: i32, value: i32| {
        let op = SeccompCmpOp::MaskedEq(mask.unsigned_abs().into());
        let is = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value.unsigned_abs().into())?;
        SeccompRule::new(vec![is]).map(|rule| vec![rule])
    };
    // A thread, and no process.
    rules.insert(libc::SYS_clone, bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?);
    // The limit counts no memory that is shared.
    rules.insert(libc::SYS_mmap, bits(3, libc::MAP_TYPE, libc::MAP_PRIVATE)?);
    rules.insert(libc::SYS_prctl, bits(0, -1, libc::PR_SET_NAME)?);
    // How `abort` ends this process.
    rules.insert(libc::SYS_tgkill, bits(0, -1, std::process::id().cast_signed())?);
    filter(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)
}

/// The arguments of `clone3` are out of a filter's sight; without it, libc uses `clone`.
fn plain_threads() -> Result<BpfProgram, CageError> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    filter(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()))
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, CageError> {
    let machine = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, otherwise, matched, machine)?.try_into()?)
}

/// Tries what must not work in a cage of this size. Answers what does, in words.
pub fn leaks(memory_bytes: u64) -> Vec<&'static str> {
    let program =
        || Command::new("/proc/self/exe").arg("--version").stdout(Stdio::null()).spawn().and_then(|mut p| p.wait());
    let memory = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
    [
        ("open files", File::open("/dev/null").is_ok()),
        ("list folders", std::fs::read_dir("/").is_ok()),
        ("use the network", UdpSocket::bind("127.0.0.1:0").is_ok()),
        ("reach other processes", UnixStream::pair().is_ok()),
        ("start programs", program().is_ok()),
        ("take more memory than it may", Vec::<u8>::new().try_reserve_exact(memory).is_ok()),
    ]
    .into_iter()
    .filter_map(|(what, works)| works.then_some(what))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outside of a cage all of it works, so that an empty answer from inside says something.
    #[test]
    fn everything_leaks_without_a_cage() {
        let all = [
            "open files",
            "list folders",
            "use the network",
            "reach other processes",
            "start programs",
            "take more memory than it may",
        ];
        assert_eq!(leaks(1 << 20), all);
    }
}
