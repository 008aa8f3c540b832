//! Every limit and its default, with the reason for the number.

use std::time::Duration;

/// 64 MiB: componentize-py's components, the largest honest ones known, have 18.5 MB.
const FILE_BYTES: u64 = 64 << 20;
/// Computing, and not the clock on the wall: a busy machine is not the plugin's fault. The
/// largest honest component takes 8 s on one core; ten times that leaves room for slow ones.
const COMPILE_TIME: Duration = Duration::from_secs(90);
/// The largest honest component takes 330 MB beside the compiler itself. Address
/// space, which is more than memory, is what an operating system can limit.
const COMPILE_MEMORY: u64 = 4 << 30;
/// 8 MB of machine code for each MB of WebAssembly never happens; this is a disk guard.
const ARTIFACT_BYTES: u64 = 512 << 20;
/// A page of 500 companies parsed by a guest in JavaScript takes a few MB; 128 MiB is
/// generous and still lets 64 instances fit a small server in the worst case.
const MEMORY: usize = 128 << 20;
/// 512 MiB: four full instances of one connection, or eight of the size that the largest
/// honest ones have; one that wants 64 at 90 MiB is stopped.
const SESSION_MEMORY: usize = 512 << 20;
/// 2 GiB: four connections at that, side by side.
const ALL_MEMORY: usize = 2 << 30;
/// Interpreters have some 10,000 functions in their table.
const TABLE_ELEMENTS: usize = 100_000;
/// Components composed of others have been seen with 38 (jco, componentize-py); some
/// composed once more stay below this, and an instance costs a few KiB.
const CORE_INSTANCES: usize = 100;
/// A memory for each component that one is composed of; together they stay below
/// [`MEMORY`]. Each reserves 4 GiB of address space a place.
const MEMORIES: u32 = 8;
/// 512 KiB: recursion over JSON of any sane depth fits, and the fiber stack of an
/// instance stays small.
const STACK: usize = 512 << 10;
/// A page of 500 contracts is parsed in milliseconds; an interpreter may need seconds.
const COMPUTE_TIME: Duration = Duration::from_secs(30);
/// `describe` and `configure` have nothing to compute, but an interpreter must start.
const SHORT_TIME: Duration = Duration::from_secs(10);
/// A call may make many requests and wait for its turn at each.
const CALL_TIME: Duration = Duration::from_secs(15 * 60);
/// 32 MiB: a page of 500 contracts with 12 lines and 36 periods each is about 20 MiB.
const ANSWER_BYTES: usize = 32 << 20;
/// Entries in any list a guest gives: ten times the largest page known.
const LIST_ITEMS: usize = 20_000;
/// Pages of one list, and entries over all pages: past any MSP, short of for ever.
const PAGES: u32 = 10_000;
/// See [`PAGES`].
const ITEMS: usize = 2_000_000;
/// 512 MiB for all lists that a session holds at once: ten times what 10,000 companies
/// with 60,000 lines take.
const LIST_BYTES: usize = 512 << 20;
/// A check makes some thirty requests. One that hangs holds up nobody's run for longer.
const CHECK_TIME: Duration = Duration::from_secs(180);
/// 1 MiB, as the contract says.
const REQUEST_BODY: usize = 1 << 20;
/// 16 MiB, as the contract says; counted after decompression.
const RESPONSE_BODY: usize = 16 << 20;
/// Servers refuse more than 8 to 32 KiB of headers.
const REQUEST_HEADER_BYTES: usize = 16 << 10;
/// No API answers with more than a few KiB of headers.
const RESPONSE_HEADER_BYTES: usize = 64 << 10;
/// 64, as the contract says.
const REQUEST_HEADERS: usize = 64;
/// 8 KiB: what servers accept in a request line.
const URL_BYTES: usize = 8 << 10;
/// 120 s, as the contract says.
const EXCHANGE_TIME: Duration = Duration::from_secs(120);
/// A server that does not accept a connection in 10 s is not there.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// One call reads at most a batch of accounts: hundreds of requests, not thousands.
const REQUESTS_A_CALL: u32 = 2_000;
/// Twenty hours of the strictest budget known: a run that needs more is broken.
const REQUESTS_A_RUN: u64 = 200_000;
/// A pause or an exhausted window that ends this soon is waited out; a longer one
/// parks the run.
const BUDGET_WAIT: Duration = Duration::from_secs(60);
/// 1 MiB and 1,000 keys, as the contract says.
const STORAGE_BYTES: u64 = 1 << 20;
/// See [`STORAGE_BYTES`].
const STORAGE_KEYS: u64 = 1_000;
/// A cache that is asked more often than this in one call is no cache.
const STORAGE_OPERATIONS: u32 = 5_000;
/// 1,000 lines a run, as the contract says.
const LOG_LINES: u32 = 1_000;
/// Instances of all plugins at once in this process.
const INSTANCES: u32 = 64;

/// What plugins may use. The defaults serve; tests and unusual plants change them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest plugin file, in bytes.
    pub file_bytes: u64,
    /// Longest compilation, in computing of all cores together (where the system can limit
    /// it); twenty times that on the wall.
    pub compile_time: Duration,
    /// Address space of the compiling process, in bytes (where the system can limit it).
    pub compile_memory: u64,
    /// Largest compiled artifact, in bytes.
    pub artifact_bytes: u64,
    /// Linear memory of one instance, all its memories together, in bytes.
    pub memory: usize,
    /// Linear memory of all instances of a session, in bytes.
    pub session_memory: usize,
    /// Linear memory of all instances in this process, in bytes.
    pub all_memory: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// Core instances inside one component.
    pub core_instances: usize,
    /// Memories inside one component.
    pub memories: u32,
    /// WebAssembly stack, in bytes.
    pub stack: usize,
    /// The guest's own computing in one call (time inside host calls is not counted).
    pub compute_time: Duration,
    /// Computing and wall clock of `describe` and `configure`.
    pub short_time: Duration,
    /// Wall clock of one call, host calls included.
    pub call_time: Duration,
    /// Wall clock of one `check`, which a person or a run's beginning waits for.
    pub check_time: Duration,
    /// Data given to the host in one call or one host call, in bytes as the host keeps it.
    pub answer_bytes: usize,
    /// Entries of any list a guest gives.
    pub list_items: usize,
    /// Pages of one list.
    pub pages: u32,
    /// Entries over all pages of one list.
    pub items: usize,
    /// Memory that the entries of all lists of a session take at once, in bytes.
    pub list_bytes: usize,
    /// Request body, in bytes.
    pub request_body: usize,
    /// Response body after decompression, in bytes.
    pub response_body: usize,
    /// Names and values of a request's headers, in bytes.
    pub request_header_bytes: usize,
    /// Names and values of a response's headers, in bytes.
    pub response_header_bytes: usize,
    /// Headers of a request.
    pub request_headers: usize,
    /// A request's address, in bytes.
    pub url_bytes: usize,
    /// One exchange, from connecting to the last byte.
    pub exchange_time: Duration,
    /// Connecting, TLS included.
    pub connect_time: Duration,
    /// Requests in one call.
    pub requests_a_call: u32,
    /// Requests in one session.
    pub requests_a_run: u64,
    /// Longest wait for the tenant's budget inside a request.
    pub budget_wait: Duration,
    /// Stored keys and values together, in bytes.
    pub storage_bytes: u64,
    /// Stored keys.
    pub storage_keys: u64,
    /// Storage operations in one call.
    pub storage_operations: u32,
    /// Log lines in one session.
    pub log_lines: u32,
    /// Instances at once in this process.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: FILE_BYTES,
            compile_time: COMPILE_TIME,
            compile_memory: COMPILE_MEMORY,
            artifact_bytes: ARTIFACT_BYTES,
            memory: MEMORY,
            session_memory: SESSION_MEMORY,
            all_memory: ALL_MEMORY,
            table_elements: TABLE_ELEMENTS,
            core_instances: CORE_INSTANCES,
            memories: MEMORIES,
            stack: STACK,
            compute_time: COMPUTE_TIME,
            short_time: SHORT_TIME,
            call_time: CALL_TIME,
            check_time: CHECK_TIME,
            answer_bytes: ANSWER_BYTES,
            list_items: LIST_ITEMS,
            pages: PAGES,
            items: ITEMS,
            list_bytes: LIST_BYTES,
            request_body: REQUEST_BODY,
            response_body: RESPONSE_BODY,
            request_header_bytes: REQUEST_HEADER_BYTES,
            response_header_bytes: RESPONSE_HEADER_BYTES,
            request_headers: REQUEST_HEADERS,
            url_bytes: URL_BYTES,
            exchange_time: EXCHANGE_TIME,
            connect_time: CONNECT_TIME,
            requests_a_call: REQUESTS_A_CALL,
            requests_a_run: REQUESTS_A_RUN,
            budget_wait: BUDGET_WAIT,
            storage_bytes: STORAGE_BYTES,
            storage_keys: STORAGE_KEYS,
            storage_operations: STORAGE_OPERATIONS,
            log_lines: LOG_LINES,
            instances: INSTANCES,
        }
    }
}
