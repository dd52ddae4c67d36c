import PcapNG
import Records
import TextEscaping

/// What a converted file says in JSON: its origin's clock, and the sightings, listings and sockets that are no packets.
enum ConvertedComment {
    static func clock(_ clock: EvidenceClock) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("converted") { json in
                json.member("clock") { json in
                    json.member("relation", clock.relation.rawValue)
                    json.member("resolution", clock.resolution)
                    json.member("description", clock.description)
                }
            }
        }
        return json.bytes
    }

    static func readClock(_ json: JSONValue) -> EvidenceClock? {
        guard let clock = json["converted"]?["clock"],
            let relation = clock["relation"]?.string.flatMap(EvidenceClock.Relation.init),
            let resolution = clock["resolution"]?.integer(Int64.self), resolution > 0
        else { return nil }
        return EvidenceClock(
            relation: relation, resolution: resolution, description: clock.escaped("description") ?? "not stated")
    }

    static func listing(_ listing: Listing) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("listing") { json in
                json.member("subject", listing.subject.rawValue)
                json.member("number", listing.number)
                json.member("line", listing.line)
                json.member("taken", listing.taken?.description)
            }
        }
        return json.bytes
    }

    static func readListing(_ json: JSONValue) -> Listing? {
        guard let listing = json["listing"], let number = listing["number"]?.integer(UInt32.self),
            let subject = listing["subject"]?.string.flatMap(Listing.Subject.init),
            let line = listing["line"]?.integer(UInt64.self)
        else { return nil }
        let taken = listing["taken"]?.string.flatMap { Timestamp($0) }
        guard taken != nil || listing["taken"] == nil else { return nil }
        return Listing(subject: subject, number: number, line: line, taken: taken)
    }

    /// The process as ECS has it, for any reader, and what is to be read back.
    static func sighting(_ sighting: ProcessSighting) -> [[UInt8]] {
        var object = JSONWriter()
        object.object { json in
            json.member("pid", sighting.pid)
            json.member("name", sighting.imageName)
            json.member("executable", sighting.executable)
            json.member("command_line", sighting.commandLine)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("sighting") { json in
                json.member("occasion", sighting.occasion.rawValue)
                json.member("time", sighting.time?.description)
                json.member("at", sighting.position)
                json.member("parent", sighting.parent)
                json.member("user", sighting.user)
                if sighting.isNameCut {
                    json.key("name_cut")
                    json.value(true)
                }
                if !sighting.services.isEmpty {
                    json.key("services")
                    json.array { json in for service in sighting.services { json.value(service) } }
                }
            }
        }
        return [object.bytes, json.bytes]
    }

    static func readSighting(_ comments: [String], pid: UInt32, listing: Listing?, host: UInt16) -> ProcessSighting? {
        let values = comments.map { JSONValue($0.utf8) }
        guard values.count >= 2, let object = values[0], object["pid"]?.integer() == pid,
            let said = values[1]?["sighting"],
            let occasion = said["occasion"]?.string.flatMap(ProcessSighting.Occasion.init),
            let position = said["at"]?.integer(UInt64.self)
        else { return nil }
        let time = said["time"]?.string.flatMap { Timestamp($0) }
        guard time != nil || said["time"] == nil else { return nil }
        let services = said["services"]?.elements ?? []
        return ProcessSighting(
            occasion: occasion, time: time, pid: pid, parent: said["parent"]?.integer(),
            imageName: object.escaped("name"), isNameCut: said["name_cut"]?.flag ?? false,
            executable: object.escaped("executable"), commandLine: object.escaped("command_line"),
            user: said.escaped("user"),
            services: services.compactMap { $0.string.map { LosslessEscape.text(LosslessEscape.bytes($0)) } },
            listing: occasion == .listed ? listing : nil, position: position, host: host)
    }

    static func socket(_ socket: SocketSighting) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("socket") { json in
                json.member("transport", socket.transport == .tcp ? "tcp" : "udp")
                json.member("local", socket.localAddress.description)
                json.member("local_port", socket.localPort)
                json.member("remote", socket.remoteAddress?.description)
                json.member("remote_port", socket.remotePort)
                json.member("state", socket.state)
                json.member("pid", socket.pid)
                json.member("at", socket.position)
            }
        }
        return json.bytes
    }

    static func readSocket(_ json: JSONValue, listing: Listing?, host: UInt16) -> SocketSighting? {
        guard let socket = json["socket"], let listing,
            let local = socket["local"]?.string.flatMap({ IPAddress(text: Substring($0)) }),
            let port = socket["local_port"]?.integer(UInt16.self), let position = socket["at"]?.integer(UInt64.self)
        else { return nil }
        return SocketSighting(
            transport: socket["transport"]?.string == "tcp" ? .tcp : .udp, localAddress: local, localPort: port,
            remoteAddress: socket["remote"]?.string.flatMap { IPAddress(text: Substring($0)) },
            remotePort: socket["remote_port"]?.integer(), state: socket.escaped("state"),
            pid: socket["pid"]?.integer(), listing: listing, position: position, host: host)
    }
}
