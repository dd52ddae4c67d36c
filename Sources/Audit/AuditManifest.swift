public import Records

/// What a report was made of and by what: enough to make it again anywhere, and to see whether a byte has changed.
///
/// Nothing of it comes from the machine that made the report: machines are those that the evidence speaks for.
public struct AuditManifest: Hashable, Sendable {
    /// The version of the form that is written and read.
    public static let version = 1

    /// The case, as the examiner calls it.
    public var caseID: String
    /// Who made the report.
    public var examiner: String
    /// The version of whosent that made it, as in `0.1.0`.
    public var toolVersion: String
    /// What was asked.
    public var request = Request()
    /// What was read, in the order in which it was named: captures or results, evidence, rules.
    public var inputs: [Input] = []
    /// What was written.
    public var outputs: [Output] = []
    /// The machines that the evidence speaks for, a file each.
    public var machines: [Machine] = []
    /// The first and the last packet of the report; nil without packets.
    public var time: Span?
    /// How far clocks of evidence were off.
    public var clockOffsets: [ClockOffset] = []

    /// A manifest.
    public init(caseID: String, examiner: String, toolVersion: String) {
        self.caseID = caseID
        self.examiner = examiner
        self.toolVersion = toolVersion
    }

    /// The options that a report depends on. Words are checked by whoever uses them.
    public struct Request: Hashable, Sendable {
        /// `--filter`.
        public var filter: String?
        /// `--clock-offset`.
        public var clockOffset = "auto"
        /// `--newmail-port`.
        public var newMailPorts: [UInt16] = []
        /// `--pid`.
        public var processIDs: [UInt32] = []
        /// `--process`.
        public var processNames: [String] = []
        /// `--tag`.
        public var tags: [String] = []
        /// `--min-confidence`.
        public var minimumConfidences: [String] = []
        /// `--verdict`.
        public var verdicts: [String] = []
        /// `--no-args`.
        public var withoutArguments = false
        /// `--process-table`.
        public var processTable = 0
        /// `--record-table`.
        public var recordTable = 0

        /// No option.
        public init() {}
    }

    /// A file that was read.
    public struct Input: Hashable, Sendable {
        /// What it was read as.
        public enum Role: String, Hashable, Sendable, CaseIterable {
            /// Packets.
            case capture
            /// The NDJSON of an earlier run.
            case results
            /// Who sent them.
            case evidence
            /// Patterns of the user's.
            case rules
        }

        /// What it was read as.
        public var role: Role
        /// Where it is.
        public var path: ManifestPath
        /// What is in it.
        public var digest: ContentDigest

        /// A file that was read.
        public init(role: Role, path: ManifestPath, digest: ContentDigest) {
            self.role = role
            self.path = path
            self.digest = digest
        }
    }

    /// A file that was written, beside the manifest.
    public struct Output: Hashable, Sendable {
        /// The only names there are: a manifest cannot name another file.
        public enum Name: String, Hashable, Sendable, CaseIterable {
            /// The page.
            case html = "report.html"
            /// The same for programs.
            case json = "report.json"
        }

        /// Which of them.
        public var name: Name
        /// What is in it.
        public var digest: ContentDigest

        /// A file that was written.
        public init(name: Name, digest: ContentDigest) {
            self.name = name
            self.digest = digest
        }
    }

    /// What an evidence file says of the machine it was recorded on.
    public struct Machine: Hashable, Sendable {
        /// The evidence's file name.
        public var evidence: String
        /// The machine's name.
        public var host: String?
        /// Its kernel.
        public var kernel: String?
        /// Its boot id.
        public var bootID: String?

        /// A machine.
        public init(evidence: String, host: String?, kernel: String?, bootID: String?) {
            self.evidence = evidence
            self.host = host
            self.kernel = kernel
            self.bootID = bootID
        }
    }

    /// From the first to the last packet.
    public struct Span: Hashable, Sendable {
        /// The first packet's time.
        public var first: Timestamp
        /// The last packet's time.
        public var last: Timestamp

        /// A span.
        public init(first: Timestamp, last: Timestamp) {
            self.first = first
            self.last = last
        }
    }

    /// How far the evidence's clock is from the capture's.
    public struct ClockOffset: Hashable, Sendable {
        /// The capture's clock less the evidence's, in seconds.
        public var seconds: Double
        /// How far matches lie around it, in seconds; nil where there is no measure of it.
        public var spread: Double?
        /// From how many matches it comes.
        public var matches: UInt64

        /// An offset.
        public init(seconds: Double, spread: Double?, matches: UInt64) {
            self.seconds = seconds
            self.spread = spread
            self.matches = matches
        }
    }
}
