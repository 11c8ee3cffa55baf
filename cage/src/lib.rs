//! What a process may do from the moment on at which it reads what strangers send: use its pipes, take
//! memory up to a bound, and make threads. A flaw in a codec then gives whoever sends the pictures
//! nothing but these pictures. A process that fetches for another may connect to others, too, and
//! read what that needs.
//!
//! The kernel answers every other system call with EPERM and kills nobody for it: libc and libav ask
//! for things that they do well without, such as the number of processors in `/sys`. Which files are
//! read is out of a filter's sight; that is Landlock's part, where the kernel has it (5.13).

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, path_beneath_rules};
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
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
/// To look names up, to connect to others, and to read files.
const NETWORK: [i64; 22] = [
    libc::SYS_connect,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_ppoll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(not(target_arch = "x86_64"))]
    libc::SYS_pselect6,
    libc::SYS_fcntl,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_pread64,
    libc::SYS_uname,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getppid,
];
const ENDS: [i64; 2] = [libc::SYS_exit, libc::SYS_exit_group];

#[derive(Debug, thiserror::Error)]
pub enum CageError {
    #[error("limit of memory: {0}")]
    Memory(#[from] nix::Error),
    #[error("filter of system calls: {0}")]
    Calls(#[from] seccompiler::Error),
    #[error("files: {0}")]
    Files(#[from] RulesetError),
}

impl From<seccompiler::BackendError> for CageError {
    fn from(error: seccompiler::BackendError) -> Self {
        Self::Calls(error.into())
    }
}

/// What a process needs besides its pipes, memory and threads.
#[derive(Debug, Clone, Copy)]
pub enum Needs<'a> {
    Nothing,
    /// To connect to others. Of the files, those beneath these paths are enough.
    Network(&'a [PathBuf]),
}

/// For ever, for every thread of this process. The files that it needs are kept apart from the others
/// for this thread and those that it makes.
pub fn enter(memory_bytes: u64, needs: Needs<'_>) -> Result<(), CageError> {
    // Of what could be written to: address space that is only set aside costs nothing.
    setrlimit(Resource::RLIMIT_DATA, memory_bytes, memory_bytes)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if let Needs::Network(files) = needs {
        let all = Ruleset::default().handle_access(AccessFs::from_all(ABI::V5))?.create()?;
        // A path that is not there is left out, and a kernel without Landlock keeps nothing apart.
        all.add_rules(path_beneath_rules(files, AccessFs::ReadFile))?.restrict_self()?;
    }
    apply_filter_all_threads(&plain_threads()?)?;
    // The last one, as it takes the right to set another.
    Ok(apply_filter_all_threads(&only_these(needs)?)?)
}

fn only_these(needs: Needs<'_>) -> Result<BpfProgram, CageError> {
    let mut rules: BTreeMap<_, _> = ALLOWED.into_iter().chain(ENDS).map(|call| (call, Vec::new())).collect();
    let bits = |argument, mask: i32, value: i32| {
        let op = SeccompCmpOp::MaskedEq(mask.unsigned_abs().into());
        let is = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value.unsigned_abs().into())?;
        SeccompRule::new(vec![is])
    };
    // A thread, and no process.
    rules.insert(libc::SYS_clone, vec![bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?]);
    // The limit counts no memory that is shared.
    rules.insert(libc::SYS_mmap, vec![bits(3, libc::MAP_TYPE, libc::MAP_PRIVATE)?]);
    rules.insert(libc::SYS_prctl, vec![bits(0, -1, libc::PR_SET_NAME)?]);
    // How `abort` ends this process.
    rules.insert(libc::SYS_tgkill, vec![bits(0, -1, std::process::id().cast_signed())?]);
    if let Needs::Network(_) = needs {
        rules.extend(NETWORK.map(|call| (call, Vec::new())));
        // Not to the other processes of this machine.
        let families = [libc::AF_INET, libc::AF_INET6].map(|family| bits(0, -1, family));
        rules.insert(libc::SYS_socket, families.into_iter().collect::<Result<_, _>>()?);
        let changes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC;
        rules.insert(libc::SYS_openat, vec![bits(2, changes, libc::O_RDONLY)?]);
        // How much of a name server's answer is there.
        rules.insert(libc::SYS_ioctl, vec![bits(1, -1, libc::FIONREAD as i32)?]);
    }
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

/// What a process with [`Needs::Network`] can do by its nature.
pub const CONNECT: &str = "connect to others";
/// What it can do besides where the kernel has no Landlock.
pub const OPEN: &str = "open files";

/// Tries what must not work in a cage of this size. Answers what does, in words.
pub fn leaks(memory_bytes: u64) -> Vec<&'static str> {
    let program =
        || Command::new("/proc/self/exe").arg("--version").stdout(Stdio::null()).spawn().and_then(|mut p| p.wait());
    let memory = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
    // Nobody need be there: it is asked for permission.
    let connect = TcpStream::connect("127.0.0.1:1").map_err(|error| error.kind());
    [
        (OPEN, File::open("/dev/null").is_ok()),
        ("write files", File::options().write(true).open("/dev/null").is_ok()),
        ("list folders", std::fs::read_dir("/").is_ok()),
        (CONNECT, connect.err() != Some(ErrorKind::PermissionDenied)),
        ("be connected to", TcpListener::bind("127.0.0.1:0").is_ok()),
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
            OPEN,
            "write files",
            "list folders",
            CONNECT,
            "be connected to",
            "reach other processes",
            "start programs",
            "take more memory than it may",
        ];
        assert_eq!(leaks(1 << 20), all);
    }
}
