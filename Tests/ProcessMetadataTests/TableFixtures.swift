import Records

@testable import ProcessMetadata

/// 2026-03-01T10:20:30Z and so many milliseconds.
func moment(_ milliseconds: Int64) -> Timestamp {
    Timestamp(seconds: 1_772_360_430, nanoseconds: 0).advanced(by: milliseconds * 1_000_000)
}

func key(_ pid: UInt32, _ start: UInt64) -> ProcessKey { ProcessKey(pid: pid, startTime: start) }

func exec(
    _ process: ProcessKey, _ name: String, version: UInt32, at milliseconds: Int64, parent: ProcessKey? = nil,
    arguments: [String]? = nil
) -> ProcessRecord {
    ProcessRecord(
        event: .exec, time: moment(milliseconds), process: process, imageVersion: version, parent: parent,
        name: TaskName(name.utf8), executable: "/usr/bin/\(name)", arguments: arguments ?? [name])
}

func fork(
    _ process: ProcessKey, of parent: ProcessKey, _ name: String, version: UInt32, at milliseconds: Int64
) -> ProcessRecord {
    ProcessRecord(
        event: .fork, time: moment(milliseconds), process: process, imageVersion: version, parent: parent,
        name: TaskName(name.utf8))
}

func exit(_ process: ProcessKey, at milliseconds: Int64) -> ProcessRecord {
    ProcessRecord(event: .exit, time: moment(milliseconds), process: process)
}

func snapshot(
    _ process: ProcessKey, _ name: String, at milliseconds: Int64, version: UInt32 = 0, parent: ProcessKey? = nil
) -> ProcessRecord {
    ProcessRecord(
        event: .snapshot, time: moment(milliseconds), process: process, imageVersion: version, parent: parent,
        name: TaskName(name.utf8), executable: "/usr/bin/\(name)", arguments: [name, "-seen"])
}

extension ProcessTable {
    init(_ records: [ProcessRecord], limits: Limits = Limits(), machine: Machine? = nil) {
        self.init(limits: limits)
        if let machine { setMachine(machine, host: 0) }
        for record in records { add(record) }
    }

    mutating func describe(
        _ process: ProcessKey, version: UInt32 = 0, at milliseconds: Int64, user: UInt32? = nil, group: UInt32? = nil,
        cgroup: UInt64 = 0, host: UInt16 = 0
    ) -> ProcessDescription? {
        description(
            host: host, process: process, imageVersion: version, at: moment(milliseconds), user: user, group: group,
            cgroup: cgroup)
    }
}
