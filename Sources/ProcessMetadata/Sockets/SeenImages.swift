internal import Records
internal import Synchronization

/// Which image of a process a reading saw: procfs has no count of them, but an exec moves what lies where in memory.
final class SeenImages: Sendable {
    private struct Seen {
        var layout: [UInt64]
        var version: UInt32
    }

    private let seen = Mutex<[ProcessKey: Seen]>([:])

    /// Chains of parents longer than this are not followed.
    private static let ancestorLimit = 16

    /// The process with these descriptors, and what is to be told of it and, where it is new, of its parents.
    ///
    /// Nil where it is gone, or is another process or image by now: then what it held is not known.
    func holder(_ pid: UInt32, _ descriptors: [SocketHolders.Descriptor], _ procfs: ProcFS)
        -> (SocketHolder, [ProcessRecord])?
    {
        guard var reading = procfs.read(pid: pid, time: now), descriptors.allSatisfy(SocketHolders.isHeld),
            procfs.stillRuns(reading)
        else { return nil }
        let key = reading.record.process
        let (version, isNew) = version(of: key, layout: reading.stat.layout)
        reading.record.imageVersion = version
        var records = isNew ? ancestors(of: reading.record, procfs) : []
        records.append(reading.record)
        return (SocketHolder(process: key, imageVersion: version), records)
    }

    /// Ends a reading: forgets processes that hold nothing any more.
    func keep(_ running: Set<ProcessKey>) {
        seen.withLock { seen in seen = seen.filter { running.contains($0.key) } }
    }

    private func version(of key: ProcessKey, layout: [UInt64]) -> (version: UInt32, isNew: Bool) {
        seen.withLock { seen in
            guard let known = seen[key] else {
                seen[key] = Seen(layout: layout, version: 1)
                return (1, true)
            }
            guard known.layout != layout else { return (known.version, false) }
            seen[key] = Seen(layout: layout, version: known.version + 1)
            return (known.version + 1, false)
        }
    }

    private func ancestors(of record: ProcessRecord, _ procfs: ProcFS) -> [ProcessRecord] {
        var found: [ProcessRecord] = []
        var parent = record.parent
        while let key = parent, key.pid != 0, found.count < Self.ancestorLimit,
            let reading = procfs.read(pid: key.pid, expected: key, time: now)
        {
            found.insert(reading.record, at: 0)
            parent = reading.record.parent
        }
        return found
    }

    private func now() -> Timestamp { Timestamp(nanoseconds: SystemCalls.clocks().wall) }
}
