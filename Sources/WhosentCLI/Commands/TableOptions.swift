import ArgumentParser
import Correlation
import Probe
import ProcessMetadata

/// How much room records have in the kernel.
struct RingOptions: ParsableArguments {
    private static let range = kibibytes(ProbeConfiguration.sendRingRange)

    @Option(
        help: ArgumentHelp(
            "KiB of the kernel's buffer for send records (64 to 1048576, brought up to a power of two).",
            valueName: "kib"))
    var ringSize = ProbeConfiguration.defaultSendRingBytes >> 10

    func validate() throws {
        guard Self.range.contains(ringSize) else {
            throw ValidationError("--ring-size takes \(Self.range.lowerBound) to \(Self.range.upperBound) KiB")
        }
    }

    private static func kibibytes(_ bytes: ClosedRange<Int>) -> ClosedRange<Int> {
        bytes.lowerBound >> 10...bytes.upperBound >> 10
    }

    /// The size in bytes.
    var bytes: Int { ringSize << 10 }
}

/// How many processes are remembered.
struct ProcessTableOptions: ParsableArguments {
    private static let range = 256...1 << 20

    @Option(
        help: ArgumentHelp(
            "Running processes that are remembered (256 to 1048576), and a quarter as many that ended.",
            valueName: "count"))
    var processTable = 65_536

    func validate() throws {
        guard Self.range.contains(processTable) else {
            throw ValidationError(
                "--process-table takes \(Self.range.lowerBound) to \(Self.range.upperBound) processes")
        }
    }

    /// The limits of the table.
    var limits: ProcessTable.Limits { .scaled(toLive: processTable) }
}

/// How many records wait for their packets.
struct RecordTableOptions: ParsableArguments {
    private static let range = 1024...1 << 22

    @Option(
        help: ArgumentHelp(
            "Send records that are held for their packets (1024 to 4194304).", valueName: "count"))
    var recordTable = Correlator.Limits().sendRecords

    func validate() throws {
        guard Self.range.contains(recordTable) else {
            throw ValidationError("--record-table takes \(Self.range.lowerBound) to \(Self.range.upperBound) records")
        }
    }

    /// The limits of the correlator.
    var limits: Correlator.Limits {
        var limits = Correlator.Limits()
        limits.sendRecords = recordTable
        return limits
    }
}
