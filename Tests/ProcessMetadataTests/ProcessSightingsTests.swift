import ProcessMetadata
import Records
import Testing

@Suite("Processes by sightings")
struct ProcessSightingsTests {
    private static func at(_ second: Int64) -> Timestamp {
        Timestamp(seconds: 1_263_466_800 + second, nanoseconds: 0)
    }

    private static func event(
        _ occasion: ProcessSighting.Occasion, _ second: Int64, _ name: String?, pid: UInt32 = 7, host: UInt16 = 0
    ) -> ProcessSighting {
        ProcessSighting(
            occasion: occasion, time: at(second), pid: pid, imageName: name, position: UInt64(second + 1), host: host)
    }

    private static func listed(_ second: Int64?, _ name: String, number: UInt32 = 1) -> ProcessSighting {
        let taken = second.map(at)
        return ProcessSighting(
            occasion: .listed, time: taken, pid: 7, imageName: name,
            listing: Listing(subject: .processes, number: number, line: 1, taken: taken), position: 2)
    }

    private static func names(
        _ sightings: [ProcessSighting], at second: Int64?, tolerance: Int64 = 0
    ) -> [String] {
        // In any order the answer is the same.
        let answers = [sightings, sightings.reversed()].map { order in
            var table = ProcessSightings()
            for sighting in order { table.add(sighting) }
            return table.processes(7, at: second.map(at), tolerance: tolerance, host: 0)
                .compactMap(\.sighting.imageName)
        }
        #expect(Set(answers[0]) == Set(answers[1]))
        return answers[0]
    }

    @Test("a process id that is used again is two processes")
    func reuse() {
        let events = [
            Self.event(.atBegin, 0, "a.exe"), Self.event(.ended, 100, "a.exe"), Self.event(.started, 200, "b.exe"),
            Self.event(.atEnd, 300, "b.exe"),
        ]
        #expect(Self.names(events, at: 50) == ["a.exe"])
        #expect(Self.names(events, at: 150) == [])
        #expect(Self.names(events, at: 250) == ["b.exe"])
        #expect(Set(Self.names(events, at: nil)) == ["a.exe", "b.exe"])
        #expect(Set(Self.names(events, at: 150, tolerance: 60_000_000_000)) == ["a.exe", "b.exe"])
    }

    @Test("a listing says nothing of the process on the other side of a start or an end")
    func listingsAcrossEvents() {
        let started = [Self.event(.started, 100, "b.exe"), Self.listed(150, "b.exe")]
        #expect(Self.names(started, at: 50) == [])
        let ended = [Self.listed(50, "a.exe"), Self.event(.ended, 100, nil)]
        #expect(Self.names(ended, at: 60) == ["a.exe"])
        #expect(Self.names(ended, at: 150) == [])
        #expect(Self.names(ended + [Self.listed(nil, "c.exe")], at: 150) == [])
    }

    @Test("the nearest listing names it, and the answer says which one and how far away")
    func nearestListing() throws {
        var table = ProcessSightings()
        table.add(Self.listed(0, "a.exe"))
        table.add(Self.listed(100, "b.exe", number: 2))
        let answer = try #require(table.processes(7, at: Self.at(70), host: 0).first)
        #expect(answer.sighting.imageName == "b.exe")
        guard case .listing(let listing, let distance) = answer.basis else {
            Issue.record("not by a listing")
            return
        }
        #expect(listing.number == 2 && distance == 30_000_000_000)
        #expect(Self.names([Self.listed(nil, "c.exe")], at: 70) == ["c.exe"])
        #expect(
            Set(Self.names([Self.listed(nil, "c.exe"), Self.listed(nil, "d.exe", number: 2)], at: 70)) == [
                "c.exe", "d.exe",
            ])
    }

    @Test("events go before listings, hosts are kept apart, and what does not fit is not answered")
    func precedence() {
        #expect(Self.names([Self.event(.atBegin, 0, "a.exe"), Self.listed(50, "other.exe")], at: 50) == ["a.exe"])
        var table = ProcessSightings(limit: 2)
        table.add(Self.event(.started, 0, "a.exe", host: 1))
        #expect(table.processes(7, at: Self.at(1), host: 0).isEmpty)
        #expect(table.processes(7, at: Self.at(1), host: 1).count == 1)
        table.add(Self.event(.started, 0, "x.exe", pid: 8))
        table.add(Self.event(.ended, 10, "a.exe", host: 1))
        #expect(table.droppedCount == 1)
        #expect(table.processes(7, at: Self.at(20), host: 1).isEmpty)
    }
}
