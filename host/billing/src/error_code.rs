//! Why a call failed. Every error has one of these codes, a cause and a fix; scripts and the
//! documentation go by the codes, so they never change meaning. The message beside a code
//! has the names of the case; what stands here is what holds for all of them.
//!
//! `docs/errors.md` is made from this list.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::HoldCode;
use crate::brake::BrakeCode;

macro_rules! error_codes {
    ($($variant:ident = $code:literal, $cause:literal, $fix:literal;)*) => {
        /// A stable code of an error. See [`Self::cause`] for what each means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "cause and fix stand in the table")]
        pub enum ErrorCode {
            $($variant,)*
            /// What a run would hold for, said before there is a run.
            Hold(HoldCode),
            /// What a run would brake for, said before there is a run.
            Brake(BrakeCode),
        }

        impl ErrorCode {
            /// All that are documented here, in the order of the documentation. Holds and
            /// brakes have a list of their own.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// As it stands in errors (`no-data`).
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Hold(code) => code.as_str(),
                    Self::Brake(code) => code.as_str(),
                }
            }

            /// What happened, in general.
            pub fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => $cause,)*
                    Self::Hold(code) => code.cause(),
                    Self::Brake(code) => code.cause(),
                }
            }

            /// What a person does about it, in general.
            pub fn fix(self) -> &'static str {
                match self {
                    $(Self::$variant => $fix,)*
                    Self::Hold(code) => code.fix(),
                    Self::Brake(_) => "See docs/holds.md.",
                }
            }
        }
    };
}

error_codes! {
    // The command line.
    Usage = "usage",
        "The command line cannot be read as a command, or options contradict each other.",
        "See `psa-host help`, or `--help` of the command.";
    Internal = "internal",
        "Something failed that has no code of its own; the message has the system's words.",
        "Do it again; if it stays so, report it with the message.";
    NotAllowed = "not-allowed",
        "The role or the channels of whoever asks do not cover the call.",
        "Ask somebody whose role does, as the message says.";
    // Files that are given.
    FileNotFound = "file-not-found",
        "There is no file at the path.",
        "Check the path.";
    FilePermission = "file-permission",
        "This user may not read the file.",
        "Give the user access to the file, or pass it with `-` on standard input.";
    FileIsDirectory = "file-is-directory",
        "The path is a directory.",
        "Name a file in it.";
    FileNotRegular = "file-not-regular",
        "The path is a pipe, a device or a socket.",
        "Name the file itself, or pass it with `-` on standard input.";
    FileUnreadable = "file-unreadable",
        "The file could not be read to its end.",
        "Check the file and its disk.";
    FileTooLarge = "file-too-large",
        "The file is larger than what is read of its kind.",
        "Check that it is the right file; split a list that is really this long.";
    FileExists = "file-exists",
        "A file is there already, and nothing is overwritten unasked.",
        "Name another file, or remove the one that is there.";
    FileUnwritable = "file-unwritable",
        "The file could not be written whole; what was there before stays.",
        "Check the path, its permissions and the space on its disk.";
    Stream = "stream",
        "What was to be written to is closed.",
        "Write it again to a place that takes all of it.";
    NotUtf8 = "not-utf8",
        "The text is not UTF-8.",
        "Save it as UTF-8.";
    WrongContent = "wrong-content",
        "The file is something else than it is read as, such as a workbook, a PDF or a web page.",
        "Give the file itself, as JSON or CSV.";
    JsonSyntax = "json-syntax",
        "The file is not JSON, or breaks off.",
        "Correct the file at the place that the message names.";
    DuplicateField = "duplicate-field",
        "An object has the same field twice.",
        "Remove one of the two.";
    MissingField = "missing-field",
        "An object lacks a field that it must have.",
        "Add the field.";
    WrongType = "wrong-type",
        "A value is of another type than its field takes.",
        "Correct the value at the place that the message names.";
    BadText = "bad-text",
        "A text or reason is empty, too long, or has characters that do not show themselves.",
        "Correct the text.";
    BadId = "bad-id",
        "A text cannot be an id.",
        "Correct it: an id is copied as the system that gave it shows it.";
    BadCount = "bad-count",
        "A count is no whole number, zero or more.",
        "Correct the number. A count that is not known is left out: it is never 0.";
    BadInstant = "bad-instant",
        "A text is no instant with a time zone.",
        "Write date, time and offset, as in 2026-10-01T04:30:00Z.";
    CsvHeader = "csv-header",
        "The first line of the CSV file does not name its columns as expected.",
        "Correct the first line.";
    CsvFields = "csv-fields",
        "A row of the CSV file has another number of fields than its first line.",
        "Correct the row; a value with a comma stands in quotes.";
    CsvQuote = "csv-quote",
        "A quote in the CSV file is not closed, or stands where none may be.",
        "Correct the quotes of that row.";
    UsageIsJson = "usage-is-json",
        "Options for a CSV file were given with a file that is JSON.",
        "Leave the options out: the file says it itself.";
    SheetHeader = "sheet-header",
        "The first row does not name the columns of a mapping file.",
        "Start from a file that `psa-host map export` wrote.";
    XlsxUnreadable = "xlsx-unreadable",
        "The file is not a workbook that can be read.",
        "Save it as .xlsx again, or as .csv.";
    XlsxSheet = "xlsx-sheet",
        "The workbook has several sheets, and none is called as the one to be read.",
        "Call the sheet with the mappings as the message says.";
    XlsxNotWritten = "xlsx-not-written",
        "The workbook could not be made.",
        "Check the space for temporary files, or export as CSV.";
    MayBeCut = "may-be-cut",
        "The last line of the file has no end: it may be cut off.",
        "Get the file again, or say with `--accept may-be-cut` that it is whole.";
    MayBeRounded = "may-be-rounded",
        "An id looks as if a spreadsheet had rounded it.",
        "Compare the id with its source, or say with `--accept may-be-rounded` that it is right.";
    Row = "row",
        "A row of the file cannot be taken.",
        "Correct the row.";
    // Workspaces and usage.
    ChannelInUse = "channel-in-use",
        "A workspace that has connections or snapshots would no longer be a channel.",
        "Leave its kind as it is, or remove its connections first.";
    DuplicateWorkspace = "duplicate-workspace",
        "A workspace stands in the list twice.",
        "List each once.";
    UnknownKind = "unknown-kind",
        "A workspace is of a kind that is not known.",
        "Write channel, child or regular.";
    UnknownParent = "unknown-parent",
        "A workspace names a parent that is not in the list.",
        "Add the parent, or correct the id.";
    ParentNotChannel = "parent-not-channel",
        "A workspace stands below one that is no channel.",
        "Correct the parent or its kind.";
    WorkspaceCircle = "workspace-circle",
        "Workspaces stand below one another in a circle.",
        "Correct the parent of one of them.";
    UnknownWorkspace = "unknown-workspace",
        "The workspace is not among those that were imported, or not below the channel concerned.",
        "See `psa-host workspace list`; import the list anew if the workspace is new.";
    WorkspaceOutsideChannel = "workspace-outside-channel",
        "The workspace is not below the channel.",
        "Correct the id or the channel.";
    NotAChannel = "not-a-channel",
        "The workspace is not a channel.",
        "Name the channel workspace above it.";
    DuplicateItem = "duplicate-item",
        "A file has two counts of one workspace and module.",
        "Count each once.";
    DuplicateName = "duplicate-name",
        "A user or device is named twice in one count.",
        "Name each once.";
    NamesDifferFromCount = "names-differ-from-count",
        "There are more or fewer names than the count says.",
        "Name as many as are counted, or leave the names out.";
    TakenInFuture = "taken-in-future",
        "The snapshot says that it was taken in the future.",
        "Correct `taken_at`, or the clock of this machine.";
    NoSnapshot = "no-snapshot",
        "The channel has no usage snapshot.",
        "Import one with `psa-host usage import`.";
    SnapshotIncomplete = "snapshot-incomplete",
        "The newest snapshot cannot be gone by.",
        "Import another that is complete and new.";
    SnapshotWithdrawn = "snapshot-withdrawn",
        "The snapshot was withdrawn already.",
        "See `psa-host usage list`; import it again if it was right after all.";
    NoCount = "no-count",
        "The newest snapshot has no count of this workspace and module.",
        "See `psa-host usage show --channel` for what was counted.";
    // Plugins.
    PluginFile = "plugin-file",
        "The plugin has no such file, or more than one begins so.",
        "See `psa-host plugin list`, and add the file with `psa-host plugin add`.";
    PluginTooLarge = "plugin-too-large",
        "The file is larger than a connector may be.",
        "Build the plugin for release, without debug information.";
    PluginNotWasm = "plugin-not-wasm",
        "The file is no WebAssembly.",
        "Give the .wasm file that the plugin's author published.";
    PluginNotComponent = "plugin-not-component",
        "The file is a WebAssembly module, not a component.",
        "Build it for the target wasm32-wasip2.";
    PluginNotConnector = "plugin-not-connector",
        "The component is no connector of this host's kind.",
        "Build the plugin against this host's `wit/`.";
    PluginVersion = "plugin-version",
        "The plugin was built for another version of the interface.",
        "Get a build of the plugin for this host, or a host for this plugin.";
    PluginImport = "plugin-import",
        "The plugin wants something that no connector is given.",
        "Build it without the import that the message names.";
    PluginInterface = "plugin-interface",
        "The plugin's functions are not those of the interface.",
        "Build the plugin against this host's `wit/`.";
    PluginInvalid = "plugin-invalid",
        "The file is damaged.",
        "Get the file again; if it stays so, ask the plugin's author.";
    PluginCompileLimit = "plugin-compile-limit",
        "Compiling the plugin took more time or memory than an honest one needs.",
        "Do not use this file before its author explains.";
    PluginCompiler = "plugin-compiler",
        "The plugin could not be compiled on this machine.",
        "Check free disk space and the permissions of the data directory.";
    PluginDescribe = "plugin-describe",
        "The plugin failed when it was asked to describe itself.",
        "Ask the plugin's author.";
    PluginDescription = "plugin-description",
        "What the plugin says of itself is not valid.",
        "Ask the plugin's author.";
    PluginDescriptionChanged = "plugin-description-changed",
        "The plugin describes itself differently than when it was added.",
        "Do not use this file before its author explains.";
    PluginInUse = "plugin-in-use",
        "Connections use the plugin.",
        "Remove those connections first.";
    PluginChanged = "plugin-changed",
        "The file in use is another one than was looked at.",
        "Look at the plugin as it is now, and approve that if you agree.";
    PluginTrapped = "plugin-trapped",
        "The plugin crashed.",
        "This is a defect of the plugin: tell its author.";
    PluginTimedOut = "plugin-timed-out",
        "The plugin did not answer in time.",
        "This is a defect of the plugin: tell its author.";
    PluginOutOfLimits = "plugin-out-of-limits",
        "The plugin used more memory, computing or storage than it may.",
        "This is a defect of the plugin: tell its author.";
    PluginBadAnswer = "plugin-bad-answer",
        "The plugin answered what cannot be.",
        "This is a defect of the plugin: tell its author.";
    PluginGone = "plugin-gone",
        "The plugin's instance was ended before it answered.",
        "Do it again.";
    UnknownPlugin = "unknown-plugin",
        "There is no plugin of this name.",
        "See `psa-host plugin list`.";
    NotApproved = "not-approved",
        "Nobody agreed to what the file of the plugin asks for.",
        "Look at it with `psa-host plugin inspect`, and agree with `psa-host plugin approve`.";
    ApprovalDamaged = "approval-damaged",
        "The stored approval of the plugin cannot be read.",
        "Approve the plugin again with `psa-host plugin approve`.";
    NotSelfHosted = "not-self-hosted",
        "Hosts were added for a plugin whose PSA cannot be self-hosted.",
        "Approve it without `--host`.";
    HostInvalid = "host-invalid",
        "The text is no host that could be granted.",
        "Give a host name such as psa.example.net.";
    TrialWrite = "trial-write",
        "A file of a plugin tried to write while it was tried; nothing was sent.",
        "Do not use this file before its author explains.";
    StorageQuota = "storage-quota",
        "The plugin's storage is full.",
        "Tell the plugin's author; what it stores is dropped with the connection.";
    StorageCopy = "storage-copy",
        "The plugin's storage could not be copied for a trial.",
        "Try again.";
    Sandbox = "sandbox",
        "The WebAssembly engine could not be set up.",
        "See the message: free memory and disk space, or another machine.";
    // Connections and the PSA.
    UnknownConnection = "unknown-connection",
        "There is no connection of this name.",
        "See `psa-host connection list`.";
    ConnectionPaused = "connection-paused",
        "The connection is paused: nothing runs on it.",
        "Resume it with `psa-host connection resume`.";
    NotChecked = "not-checked",
        "The connection was not checked since it was changed.",
        "Check it with `psa-host connection check`.";
    UnknownTimeZone = "unknown-time-zone",
        "The text is no time zone.",
        "Give an IANA name, such as Europe/Berlin or America/New_York.";
    SettingMissing = "setting-missing",
        "A setting or secret that the plugin needs is not set.",
        "Set it with `psa-host connection set` or `psa-host connection rotate`.";
    SettingUnknown = "setting-unknown",
        "The plugin does not have this setting.",
        "Remove it; `psa-host plugin inspect` lists the settings.";
    SettingInvalid = "setting-invalid",
        "The plugin does not take this value.",
        "Correct it with `psa-host connection set`.";
    SettingIsSecret = "setting-is-secret",
        "A secret was given as a setting, where others see it.",
        "Give it with `--secret KEY=@FILE`.";
    SecretIsSetting = "secret-is-setting",
        "A setting was given as a secret.",
        "Give it with `--set KEY=VALUE`.";
    HostNotGranted = "host-not-granted",
        "The connection leads to a host that was not granted to the plugin.",
        "Approve a host that covers it, if the plugin asks for one.";
    LoopbackNotEnabled = "loopback-not-enabled",
        "The connection leads to this machine, which is for development only.",
        "Use the PSA's https address.";
    Authentication = "authentication",
        "The PSA refused the credentials. They are not sent again until somebody says so.",
        "Give new ones with `psa-host connection rotate`, or try the same with `psa-host connection check --retry`.";
    Permission = "permission",
        "The API user may not do this, or this user of the machine may not open a file.",
        "Give the permission in the PSA, or access to the file that the message names.";
    RateLimited = "rate-limited",
        "The PSA says that too many requests were sent.",
        "Wait, and do it again.";
    BudgetParked = "budget-parked",
        "The tenant's requests of this hour are used up.",
        "Do it again after the time that the message names.";
    NotPaused = "not-paused",
        "The tenant is not paused.",
        "See `psa-host budget show`. A used-up request limit frees itself as time passes.";
    Transient = "transient",
        "The PSA could not be reached, or answered that it is out of order.",
        "Check the network and the PSA's status page, and do it again.";
    NoToken = "no-token",
        "The request to the daemon has no token.",
        "Send `Authorization: Bearer TOKEN`; the operator makes one with `psa-host token add`.";
    TokenRefused = "token-refused",
        "The token is none, was taken away or has ended.",
        "Ask the operator for another: `psa-host token add`.";
    NoRoute = "no-route",
        "There is nothing at this path of the daemon.",
        "See /api/v1/openapi.json for everything there is.";
    NoMethod = "no-method",
        "The path is one, with another method.",
        "See the methods of the path in /api/v1/openapi.json.";
    BadRequest = "bad-request",
        "The request is not what its route expects.",
        "See the route in /api/v1/openapi.json.";
    Stopping = "stopping",
        "The daemon is being stopped.",
        "Ask again when it is back.";
    RunUnderWay = "run-under-way",
        "Another run of the connection is under way.",
        "Wait for it, or cancel it.";
    NotFound = "not-found",
        "What was named does not exist here or in the PSA.",
        "List what there is, and name one of it.";
    Invalid = "invalid",
        "The PSA's answer cannot be understood.",
        "Do it again. If it stays so, a proxy stands between, or the PSA has changed: tell the plugin's author.";
    Rejected = "rejected",
        "The PSA refused the request.",
        "Change in the PSA what its words complain of, and do it again.";
    Refused = "refused",
        "The plugin asked for something that it may not have.",
        "See with `psa-host plugin inspect` what it may reach and do.";
    CertificateUntrusted = "certificate-untrusted",
        "The certificate of the PSA, or of a proxy between, is signed by an authority that this computer does not trust.",
        "Name the authority of your company's proxy with `--ca-file`; where you expect none, find out who stands between before you go on.";
    CertificateExpired = "certificate-expired",
        "The certificate has expired.",
        "See that the clock of this computer is right; if it is, whoever runs that server must renew it.";
    CertificateNotYetValid = "certificate-not-yet-valid",
        "The certificate is not valid yet.",
        "Set the clock of this computer right; if it is, ask whoever runs that server.";
    CertificateWrongName = "certificate-wrong-name",
        "The certificate is for another name.",
        "Correct the connection's address, or find the proxy or firewall that answers for it.";
    CertificateRevoked = "certificate-revoked",
        "The certificate was revoked.",
        "Ask whoever runs that server, or the proxy between, for a valid one.";
    CertificateInvalid = "certificate-invalid",
        "The certificate cannot be used.",
        "Ask whoever runs that server, or the proxy between, for a valid one.";
    TlsFailed = "tls-failed",
        "What answers there does not speak TLS as it should.",
        "See what answers at that address; name a proxy with `--proxy`.";
    ProxyRefused = "proxy-refused",
        "The proxy did not let the request through.",
        "Allow the host in the proxy, or correct `--proxy`.";
    ProxyCredentials = "proxy-credentials",
        "The proxy wants a user and a password, or others.",
        "Give them in its address: PSA_HOST_PROXY=http://USER:PASSWORD@HOST:PORT.";
    ProxyInvalid = "proxy-invalid",
        "The address of the proxy cannot be read.",
        "Write it as http://proxy.example:3128.";
    CaFileInvalid = "ca-file-invalid",
        "The file of certificate authorities has none that can be read.",
        "Name a file with one or more certificates in PEM.";
    TenantChanged = "tenant-changed",
        "The PSA behind the connection is another one than before.",
        "Where the vendor moved it: `psa-host connection rebind`. Else put the former settings back.";
    TenantNotChanged = "tenant-not-changed",
        "The connection is at its tenant, as before.",
        "There is nothing to rebind. See `psa-host connection check`.";
    TenantAdjusted = "tenant-adjusted",
        "Somebody has posted to the tenant under its new key.",
        "Go on with the connection there, and remove the former one when nothing of it is open.";
    TenantClaimed = "tenant-claimed",
        "The tenant's key is known from another plugin or channel.",
        "Say what it means with `psa-host connection tenant`.";
    NothingClaimed = "nothing-claimed",
        "No tenant key of the connection waits for a decision.",
        "Check it with `psa-host connection check`.";
    SeveralTenants = "several-tenants",
        "The key means more than one tenant by now.",
        "Name a connection of the tenant that is meant, with `--as`.";
    TenantBusy = "tenant-busy",
        "Another process works on the tenant.",
        "Wait for it to finish and do it again.";
    RebindNoProof = "rebind-no-proof",
        "Too little of what is known was found at the new place.",
        "See the message: map more accounts first, or add a new connection.";
    RebindOutdated = "rebind-outdated",
        "The connection leads elsewhere than when it was looked at.",
        "Look again with `psa-host connection rebind`.";
    AdjustmentsOpen = "adjustments-open",
        "Something that was sent is not yet known to have arrived.",
        "Sync once more, and settle with `psa-host run resolve` what that cannot.";
    // Mapping.
    WorkspaceUnmapped = "workspace-unmapped",
        "The workspace is not mapped to an account of the PSA.",
        "Map it with `psa-host map account`.";
    ModuleUnmapped = "module-unmapped",
        "The module is not mapped to a service of the PSA.",
        "Map it with `psa-host map service`.";
    AccountUnmapped = "account-unmapped",
        "The account is not mapped to a workspace.",
        "See `psa-host map list`.";
    NotMapped = "not-mapped",
        "There is no such mapping.",
        "See `psa-host map list`.";
    NoMappings = "no-mappings",
        "The file has none of the lists of a mapping file.",
        "Give at least one of `accounts`, `services` and `contracts`.";
    NothingToMap = "nothing-to-map",
        "The file has no mapping, so that `--replace` would remove all.",
        "Check that it is the right file, or remove mappings with `psa-host map remove`.";
    NotWhole = "not-whole",
        "The file says itself that it is a page or a part of a list.",
        "Get the whole file; if it is all, leave that field out.";
    ContradictingRows = "contradicting-rows",
        "Rows of the file contradict one another.",
        "Leave one of them.";
    WorkspaceAlreadyMapped = "workspace-already-mapped",
        "The workspace has an account already.",
        "Remove that mapping first.";
    AccountAlreadyMapped = "account-already-mapped",
        "The account has a workspace already.",
        "Remove that mapping first, or choose another account.";
    ModuleAlreadyMapped = "module-already-mapped",
        "The module has a service already.",
        "Remove that mapping first.";
    ServiceAlreadyMapped = "service-already-mapped",
        "The service has a module already.",
        "Remove that mapping first, or choose another service.";
    MetricAlreadyMapped = "metric-already-mapped",
        "The module is billed by another metric than the file says.",
        "Correct the row, or change the metric with `psa-host map service … --metric`.";
    WorkspaceInTwoTenants = "workspace-in-two-tenants",
        "The workspace is billed in another tenant of the channel already.",
        "Remove one of the mappings, or say why with `psa-host map second-tenant`.";
    MappingDamaged = "mapping-damaged",
        "The stored mapping is not one to one.",
        "Remove one of the two with `psa-host map remove`.";
    UnknownAccount = "unknown-account",
        "The PSA does not list the account.",
        "See `psa-host account list`.";
    UnknownService = "unknown-service",
        "The PSA does not list the service.",
        "See `psa-host service list`.";
    UnknownContract = "unknown-contract",
        "The account has no such contract.",
        "See `psa-host contract list`.";
    UnknownModule = "unknown-module",
        "The module is neither in the catalogue nor in the newest snapshot.",
        "See the modules with `psa-host usage show`; their ids are compared as written.";
    UnknownMetric = "unknown-metric",
        "The text is no metric.",
        "Write users or devices.";
    UnknownSuggestion = "unknown-suggestion",
        "This is not suggested now.",
        "See what is with `psa-host map suggest --all`; ids are compared as written.";
    NoSuggestions = "no-suggestions",
        "The file has no suggestions.",
        "Give what `psa-host map suggest --format json` printed.";
    SuggestionAmbiguous = "suggestion-ambiguous",
        "The id is one of a suggested account and of a suggested service.",
        "Map it with `psa-host map account` or `psa-host map service`.";
    BadBundle = "bad-bundle",
        "A bundle has no parts, or itself as a part.",
        "Name the modules that are in it.";
    NotSetAside = "not-set-aside",
        "This is not set aside.",
        "See what is with `psa-host map set-aside --list`.";
    WhyMissing = "why-missing",
        "No reason was given.",
        "Say why with `--why TEXT`: it is kept in the history.";
    MetricNotHere = "metric-not-here",
        "A metric was given for a mapping that has none.",
        "Leave the cell empty: only services have a metric.";
    NotAnId = "not-an-id",
        "The value of a cell is no id, such as a date or a formula's error.",
        "Write the id as text.";
    // Counts and rules.
    NothingExcluded = "nothing-excluded",
        "An exclusion is of one user or device at least.",
        "Name how many are not billed.";
    DatePassed = "date-passed",
        "The day has passed.",
        "Name a later day, or leave it out.";
    DateToCome = "date-to-come",
        "The day is still to come.",
        "Name an earlier day.";
    DateOutOfRange = "date-out-of-range",
        "The day is outside what can be counted with.",
        "Name another day.";
    UnknownExclusion = "unknown-exclusion",
        "There is no such exclusion, or not any more.",
        "See `psa-host count exclusions`.";
    RuleOutOfRange = "rule-out-of-range",
        "A number of a rule is outside its range.",
        "Correct the number.";
    // Runs and decisions.
    NoLine = "no-line",
        "The pair has no line in the PSA to decide about.",
        "See `psa-host explain`.";
    NotChangedByOthers = "not-changed-by-others",
        "Nobody else is known to have changed the line.",
        "To leave it as it is, use `psa-host line pin`; else the next sync goes by its count.";
    NoQuestion = "no-question",
        "No question was named, and none is waiting.",
        "See `psa-host approval list`.";
    QuestionState = "question-state",
        "The question is not open to this answer.",
        "See `psa-host approval list --all`.";
    NothingRefused = "nothing-refused",
        "Nothing is held because the PSA refused it.",
        "See `psa-host run show` for lines with the code rejected-twice.";
    NothingToResolve = "nothing-to-resolve",
        "The run has no adjustment of the line whose outcome is open.",
        "See `psa-host run show` for lines that are doubtful or held.";
    NothingToRollBack = "nothing-to-roll-back",
        "Nothing of the run can be taken back.",
        "See `psa-host run show`.";
    BrakeNotReleasable = "brake-not-releasable",
        "No person may release this brake.",
        "See docs/holds.md for what to do instead.";
    BadToken = "bad-token",
        "A token with this name, role, end or channels cannot be made.",
        "See `psa-host token add --help` for what may be given.";
    NoRandomness = "no-randomness",
        "The system gave no random bytes.",
        "Do it again; if it stays, the machine has no entropy source.";
    BadSchedule = "bad-schedule",
        "The text is no schedule, or one that names several times of a day.",
        "Give a time of day (05:30), `default`, `off`, or a cron expression of five fields.";
    BadSettings = "bad-settings",
        "The settings of `psa-host serve` cannot be read, or have something that is none.",
        "See every setting with `psa-host config example`.";
    CannotServe = "cannot-serve",
        "The daemon cannot listen at its address, or its API ended by itself.",
        "Give another with `--listen`, or stop what listens there.";
    DaemonRuns = "daemon-runs",
        "Another process is the daemon of this data directory.",
        "Stop it before another is started.";
    DateDone = "date-done",
        "The civil date is done for the connection, or too late for it: a date is done once.",
        "Nothing needs to be done; a sync that a person asks for can always be run.";
    PostingStopped = "posting-stopped",
        "Somebody stopped all posting, in the whole installation.",
        "A dry run is still possible. When posting is safe again: `psa-host posting resume --why TEXT`.";
    RunState = "run-state",
        "The run ended, or is another connection's.",
        "Look at it with `psa-host run show`, and start a new one.";
    RunEnded = "run-ended",
        "The run was ended from outside before it was done.",
        "Sync again: what was sent is found in the ledger and settled first.";
    RunOver = "run-over",
        "The run has ended already, or its process is dead.",
        "Look at it with `psa-host run show`.";
    RunBeingCancelled = "run-being-cancelled",
        "Somebody asked the run to end before; what is in flight is finished first.",
        "Wait; `psa-host run show` says how far it is.";
    NoRunUnderWay = "no-run-under-way",
        "No run of the connection is under way.",
        "See the runs with `psa-host run list`.";
    SeveralRunsUnderWay = "several-runs-under-way",
        "Several runs of the connection are under way, dry runs among them.",
        "Name the run that is to end.";
    CancelTarget = "cancel-target",
        "What is named is neither a run nor a connection.",
        "Name a run such as r-000012, or a connection.";
    RunPanicked = "run-panicked",
        "The run broke off by an error of this program.",
        "Tell its authors. Sync again: what was sent is found in the ledger and settled first.";
    WorkspaceAmbiguous = "workspace-ambiguous",
        "Several workspaces have the name.",
        "Name the one that is meant by its id.";
    RunStalled = "run-stalled",
        "The run got nowhere for a long time and was ended.",
        "Sync again: what was sent is found in the ledger and settled first.";
    RunWithoutTenant = "run-without-tenant",
        "The run ended before it reached the PSA: it has no report.",
        "Sync again.";
    LineClaimed = "line-claimed",
        "The line belongs to another connection.",
        "Bill it through one connection only.";
    WrongTransition = "wrong-transition",
        "The adjustment is not where it was thought to be.",
        "Look at it with `psa-host run show`: it may have been settled already.";
    TooManyAttempts = "too-many-attempts",
        "The adjustment was sent as often as it may be.",
        "Look at the line in the PSA and settle it with `psa-host run resolve`.";
    AdjustmentOpen = "adjustment-open",
        "Another adjustment of the line is not settled.",
        "Look at the line in the PSA and settle it with `psa-host run resolve`.";
    // The data directory and its key.
    NoData = "no-data",
        "There is nothing in the data directory yet.",
        "Name the right one, or begin with `psa-host plugin add` or `psa-host workspace import`.";
    NotALedger = "not-a-ledger",
        "The file is something else than a ledger of psa-host.",
        "Name another data directory, or move the file away.";
    LedgerDamaged = "ledger-damaged",
        "The ledger cannot be read.",
        "Stop psa-host, keep a copy, and restore the last backup.";
    LedgerNewer = "ledger-newer",
        "The ledger was written by a later release.",
        "Use the release of psa-host that wrote it, or a later one.";
    LedgerLocked = "ledger-locked",
        "Another process is writing the ledger.",
        "Wait for it to finish and do it again.";
    LeaseLost = "lease-lost",
        "Another run has taken the tenant over, so this one may write nothing more.",
        "Look at the other run with `psa-host run list`; nothing is lost: what was sent is settled by it.";
    NoBackup = "no-backup",
        "The ledger is to be migrated, and no copy of it could be made first; nothing was changed.",
        "Make room, or make the data directory writable for this user, and do it again.";
    NetworkShare = "network-share",
        "The data directory is on a network share, whose locks cannot be relied on.",
        "Name a data directory on a disk of this computer.";
    DiskFull = "disk-full",
        "The disk is full; nothing was changed.",
        "Free some space and do it again.";
    ReadOnly = "read-only",
        "The data directory cannot be written.",
        "Make it writable for this user, or name another data directory.";
    Io = "io",
        "The disk or the path could not be used.",
        "Look at the path and its disk, and do it again.";
    DataExposed = "data-exposed",
        "Others can write into the data directory.",
        "Take the right away: `chmod 700` on the directory.";
    KeyInsideData = "key-inside-data",
        "The key file lies inside the data directory: who copies one has the other.",
        "Name a key file elsewhere with `--key-file`.";
    KeyExposed = "key-exposed",
        "Others can read the key file.",
        "Take the right away: `chmod 600` on the file.";
    KeyMalformed = "key-malformed",
        "The key file does not hold a key.",
        "Restore it from where you keep a copy; a new key cannot open old secrets.";
    KeyMissing = "key-missing",
        "The key file is not there, and the ledger has secrets under its key.",
        "Name it with `--key-file`, or restore it from where you keep a copy.";
    KeyWrong = "key-wrong",
        "The key file holds another key than the secrets are under.",
        "Name the right one with `--key-file`.";
    KeyNoPlace = "key-no-place",
        "There is no place for a key file.",
        "Name one with `--key-file`.";
    AlreadyExists = "already-exists",
        "The name is taken.",
        "Choose another name, or change what is there.";
    Duplicate = "duplicate",
        "Something stands in a list twice.",
        "Remove one of the two and do it again.";
    NoHistory = "no-history",
        "The data directory has no history.",
        "Check `--data` and PSA_HOST_DATA: a data directory in use has entries.";
}

impl ErrorCode {
    /// The code with this text.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hold = || HoldCode::named(&text).map(Self::Hold);
        let brake = || text.parse().ok().map(Self::Brake);
        Self::named(&text)
            .or_else(hold)
            .or_else(brake)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no code of an error")))
    }
}

impl From<HoldCode> for ErrorCode {
    fn from(code: HoldCode) -> Self {
        Self::Hold(code)
    }
}

impl From<BrakeCode> for ErrorCode {
    fn from(code: BrakeCode) -> Self {
        Self::Brake(code)
    }
}

impl PartialEq<str> for ErrorCode {
    fn eq(&self, text: &str) -> bool {
        self.as_str() == text
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_said_once_with_its_cause_and_its_fix() {
        let mut seen = HashSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} stands there twice");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(text.chars().all(plain), "{text}");
            for sentence in [code.cause(), code.fix()] {
                assert!(
                    sentence.len() > 8 && sentence.ends_with('.'),
                    "{text}: {sentence}"
                );
            }
            assert_eq!(ErrorCode::named(text), Some(*code));
        }
    }

    #[test]
    fn an_error_has_no_code_that_means_something_else_of_a_line() {
        for code in ErrorCode::ALL {
            assert_eq!(
                HoldCode::named(code.as_str()),
                None,
                "{code}: say the hold itself"
            );
        }
    }
}
