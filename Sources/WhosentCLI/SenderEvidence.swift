import Platform
import Probe
import ProcessMetadata
import Records

/// Where a live run has its senders from: the kernel's own records of every send, or, where those are refused, the
/// socket tables.
enum SenderEvidence {
    case kernelRecords(Probe)
    case socketTables(SocketTables)

    /// What was sent until the first reading began, and a little more, is decided without a reading after it.
    private static let patience: Int64 = 900_000_000

    /// The kernel's records, with what can be done where they are refused.
    static func kernel(sendRingBytes: Int) throws(CommandFailure) -> SenderEvidence {
        var configuration = ProbeConfiguration()
        configuration.sendRingBytes = sendRingBytes
        do {
            return .kernelRecords(try Probe(configuration))
        } catch {
            throw CommandFailure(
                error.exitStatus,
                "\(error.description) Without BPF, `whosent live --socket-table` goes by who holds which socket: "
                    + "never better than probable.")
        }
    }

    /// The evidence is of this moment on; nil where it covers no absence.
    func coverage(from start: Timestamp) -> Coverage? {
        if case .kernelRecords(let probe) = self {
            probe.coverage(from: start, filter: "", interface: nil)
        } else {
            nil
        }
    }

    /// What the processes are known by.
    func processes(host: HostFacts, limits: ProcessTable.Limits) -> ProcessSource {
        switch self {
        case .kernelRecords:
            var processes = LiveProcesses(bootID: host.bootID, limits: limits)
            _ = processes.takeSnapshot()
            return ProcessSource(live: processes)
        case .socketTables(let tables):
            var table = ProcessTable(limits: limits, names: PasswordFiles())
            table.setMachine(tables.machine, host: 0)
            return ProcessSource(table: table)
        }
    }

    /// Waits until what is sent from now on can be told: a first reading.
    func prepare(_ attribution: inout Attribution) throws(CommandFailure) {
        guard case .socketTables(let tables) = self else { return }
        let readings = tables.first()
        guard !readings.isEmpty else {
            throw CommandFailure(ExitStatus.inputOutput, "The socket tables could not be read within ten seconds.")
        }
        Self.deliver(readings, to: &attribution)
        Diagnostics.line(
            "going by the socket tables of this network namespace: answers are probable at most, and what came in is not told"
        )
    }

    /// The interfaces of this machine, as far as they may be seen.
    func interfaces(_ inventory: inout NetworkInventory) -> [HostInterface] {
        if case .kernelRecords(let probe) = self { return probe.hostInterfaces() }
        inventory.refresh()
        return inventory.interfaces
    }

    /// Hands over what is there.
    ///
    /// - Returns: the watermark: everything of earlier moments was handed over.
    func poll(_ attribution: inout Attribution, watermark: Timestamp) -> Timestamp {
        switch self {
        case .kernelRecords(let probe):
            return probe.poll(&attribution)
        case .socketTables(let tables):
            let readings = tables.poll(hurried: attribution.wantsReading)
            Self.deliver(readings, to: &attribution)
            let read = readings.last?.snapshot.began ?? .distantPast
            return max(watermark, read, wallClock().advanced(by: -Self.patience))
        }
    }

    private static func deliver(_ readings: [SocketTables.Reading], to attribution: inout Attribution) {
        for reading in readings {
            for process in reading.processes { attribution.add(process) }
            attribution.add(reading.snapshot)
        }
    }

    /// Packets up to a moment are settled only once the watermark is there, however many newer ones came.
    var needsWatermark: Bool { if case .socketTables = self { true } else { false } }
}
