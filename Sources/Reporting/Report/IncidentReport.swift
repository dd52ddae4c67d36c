public import Classification
public import Correlation
public import Records

/// What `whosent report` hands in: one plain value, of which JSON, Markdown and the page are three encodings.
///
/// A function of the inputs and the options alone: no wall clock, no path and no fact of the machine it is made on is in
/// it. All texts are in the lossless escape.
public struct IncidentReport: Hashable, Sendable {
    /// What was asked, of which files.
    public var question: Question
    /// Packets by sender, verdict, confidence and tag: named senders first, then the largest.
    public var groups: [SenderGroup]
    /// What the bounds of the report left out of ``groups``.
    public var leftOut: LeftOut
    /// The time of the packets in equal steps.
    public var timeline: Timeline
    /// The counts of the run.
    public var figures: ReportFigures

    /// What was asked.
    public struct Question: Hashable, Sendable {
        /// What was read, in the order of the command line.
        public var inputs: [Input]
        /// `--case`: what the examiner calls the case.
        public var caseID: String?
        /// `--examiner`: who made the report.
        public var examiner: String?
        /// `--filter`: which packets of the captures were looked at.
        public var captureFilter: String?
        /// The output filters, in words: which packets are reported.
        public var selection: [String]
        /// `--clock-offset`, where it was stated.
        public var statedClockOffset: String?
        /// The file name of `--rules`.
        public var rules: String?
        /// `--newmail-port`.
        public var newMailPorts: [UInt16]

        /// A question about some inputs.
        public init(inputs: [Input] = []) {
            self.inputs = inputs
            selection = []
            newMailPorts = []
        }
    }

    /// One input.
    public struct Input: Hashable, Sendable {
        /// What it was read as.
        public enum Role: String, Hashable, Sendable {
            /// Packets.
            case capture
            /// Who sent them.
            case evidence
            /// The NDJSON of an earlier run.
            case results
        }

        /// Its file name without folders; `-` for standard input.
        public var name: String
        /// What it was read as.
        public var role: Role

        /// An input.
        public init(name: String, role: Role) {
            self.name = name
            self.role = role
        }
    }

    /// What is counted but has no row of its own.
    public struct LeftOut: Hashable, Sendable {
        /// The most groups that a report tells apart.
        public var groupLimit = 0
        /// Packets of groups beyond it, which are in groups of their verdict and confidence.
        public var packets: UInt64 = 0
        /// Packets to destinations that their group does not list.
        public var destinationPackets: UInt64 = 0
        /// Distinct destinations of a group are a lower bound from some point on.
        public var destinationsNotCounted = false
    }
}

/// Packets that have sender, verdict, confidence and tag in common.
public struct SenderGroup: Hashable, Sendable {
    /// Where they come from.
    public var kind: Verdict.Kind
    /// How sure that is.
    public var confidence: Verdict.Confidence
    /// It joins the groups beyond the report's limit: their verdict and confidence are all that they have in common.
    public var isOverflow = false
    /// The sender; nil for other verdicts, for ambiguous ones and for an overflow group.
    public var process: ProcessDescription?
    /// SHA-256 of the images that this sender ran, as far as known: more than one where the file was exchanged.
    public var hashes: [String] = []
    /// The machine of the sender, where known.
    public var host: String?
    /// Who else it may have been, for ambiguous verdicts and for devices with several holders.
    public var candidates: [Candidate] = []
    /// The interface that a forwarded packet came in on.
    public var origin: String?
    /// Whose packet the kernel wrapped.
    public var onBehalfOf: Candidate?
    /// Who holds the TUN or TAP device that the packets came out of.
    public var tunnelOwner: Candidate?
    /// The name of the tag.
    public var tag: String?
    /// How sure the tag is.
    public var tagConfidence: Tag.Confidence?
    /// Why the first packet has the tag.
    public var tagReasons: [String] = []
    /// By what the packets were joined.
    public var methods: [Verdict.Method: UInt64] = [:]
    /// Why, in the order in which the reasons came up.
    public var reasons: [CountedText] = []
    /// What the packets are: `UDP`, `ICMP echo request` and so on.
    public var protocols: [String: UInt64] = [:]
    /// Packets.
    public var packets: UInt64 = 0
    /// The sum of their IP lengths.
    public var bytes: UInt64 = 0
    /// Where they went, the most frequent first.
    public var destinations: [CountedText] = []
    /// Distinct destinations.
    public var destinationCount: UInt64 = 0
    /// There may be more destinations.
    public var hasMoreDestinations = false
    /// The earliest packet's time.
    public var first: Timestamp
    /// The latest packet's time.
    public var last: Timestamp
    /// Packets by step of the report's timeline.
    public var steps: [Int: UInt64] = [:]
    /// The form of the payloads.
    public var payload = PayloadShape()
    /// The first packets, to look them up.
    public var frames: [FramePlace] = []

    /// Who a packet may be from.
    public struct Candidate: Hashable, Sendable {
        /// The process id; 0 where unknown.
        public var pid: UInt32
        /// The name, where known.
        public var name: String?
        /// The machine, where there are several.
        public var host: String?
    }

    /// A packet's place.
    public struct FramePlace: Hashable, Sendable {
        /// The capture.
        public var capture: String
        /// The frame, from 1.
        public var frame: UInt64
    }
}

/// A text with the number of packets that it is true of.
public struct CountedText: Hashable, Sendable {
    /// The text.
    public var text: String
    /// How many packets.
    public var packets: UInt64
}
