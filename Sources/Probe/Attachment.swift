/// Puts the loaded programs to work.
enum Attachment {
    /// Lets the tool send itself datagrams, seen by the calibrating program alone.
    static func calibrate(
        _ object: borrowing AttributionObject, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> GuardState {
        let link = try attachEgress("calibrate", object, cgroup: cgroup)
        defer { withExtendedLifetime(link) {} }
        return try GuardCalibration(object).run()
    }

    /// Processes first: what a sender is must be known when its packet comes.
    static func attach(
        _ object: borrowing AttributionObject, reading: LoadedObject.Reading, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> [BPFLink] {
        var links: [BPFLink] = []
        for program in ["process_fork", "process_exec", "process_rename", "process_exit", "transmit_\(reading)"] {
            links.append(try object.attachTracepoint(program))
        }
        links.append(try attachEgress("egress_\(reading)", object, cgroup: cgroup))
        return links
    }

    /// What tells who made a socket. Less is known without it, so a refusal is none of the whole.
    static func attachCreation(
        _ object: borrowing AttributionObject, _ optional: Set<LoadedObject.OptionalProgram>,
        cgroup: borrowing OwnedDescriptor
    ) -> BPFLink? {
        guard optional.contains(.socketCreated) else { return nil }
        return try? object.attach(LoadedObject.OptionalProgram.socketCreated.rawValue, toCgroup: cgroup)
    }

    /// What tells who uses a socket: wanted only where packets are held in queues. Empty where not all could be
    /// attached that the kernel has.
    static func attachUses(
        _ object: borrowing AttributionObject, _ optional: Set<LoadedObject.OptionalProgram>,
        cgroup: borrowing OwnedDescriptor
    ) -> [BPFLink] {
        var links: [BPFLink] = []
        for program in [LoadedObject.OptionalProgram.socketSending4, .socketSending6, .socketSent]
        where optional.contains(program) {
            let link =
                program == .socketSent
                ? try? object.attachTracepoint(program.rawValue)
                : try? object.attach(program.rawValue, toCgroup: cgroup)
            guard let link else { return [] }
            links.append(link)
        }
        return links
    }

    private static func attachEgress(
        _ program: String, _ object: borrowing AttributionObject, cgroup: borrowing OwnedDescriptor
    ) throws(ProbeError) -> BPFLink {
        do {
            return try object.attach(program, toCgroup: cgroup)
        } catch {
            let others = error.code == .notPermitted ? CgroupRoot.exclusivePrograms(in: cgroup) : []
            guard !others.isEmpty else { throw error }
            throw ProbeError(
                .kernelLacksFeature, error.operation, errno: error.errno,
                "The BPF program \(others.joined(separator: ", ")) is attached to the root cgroup in a way that admits "
                    + "no other: detach it (bpftool cgroup show), or have it attached with `multi`.")
        }
    }
}
