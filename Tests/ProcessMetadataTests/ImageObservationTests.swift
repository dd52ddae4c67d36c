import Records
import Testing

@testable import ProcessMetadata

@Suite struct ImageObservationTests {
    let process = key(90, 900)
    let hash = String(repeating: "0a", count: 32)

    func look(_ state: ProcessDescription.ImageState?, at milliseconds: Int64, sha256: String? = nil) -> ProcessRecord {
        var record = snapshot(process, "store", at: milliseconds)
        record.image = ImageObservation(state: state, sha256: sha256)
        return record
    }

    /// The packet brings the look about, so that the first one from then on is about it.
    @Test(arguments: [
        (Int64(5), ProcessDescription.ImageState?.none), (100, nil), (101, .deleted), (200, .deleted), (900, .deleted),
    ])
    func theNextLookCounts(milliseconds: Int64, state: ProcessDescription.ImageState?) {
        var table = ProcessTable([
            exec(process, "store", version: 3, at: 0), look(nil, at: 100, sha256: hash), look(.deleted, at: 200),
        ])
        let description = table.describe(process, version: 3, at: milliseconds)
        #expect(description?.image == state)
        #expect(description?.sha256 == hash, "the image is the same all the while")
    }

    @Test func theHashComesAfterTheLook() {
        var table = ProcessTable([exec(process, "store", version: 3, at: 0), look(.replaced, at: 100)])
        #expect(table.describe(process, version: 3, at: 50)?.sha256 == nil)
        table.add(look(.replaced, at: 100, sha256: hash))
        #expect(table.describe(process, version: 3, at: 50)?.sha256 == hash)
        #expect(table.describe(process, version: 3, at: 50)?.image == .replaced)
    }

    @Test func anotherImageHasNoneOfIt() {
        var table = ProcessTable([
            exec(process, "store", version: 3, at: 0), look(.deleted, at: 100, sha256: hash),
            exec(process, "other", version: 4, at: 200),
        ])
        #expect(table.describe(process, version: 4, at: 250)?.sha256 == nil)
        #expect(table.describe(process, version: 4, at: 250)?.image == nil)
        #expect(table.describe(process, version: 3, at: 150)?.sha256 == hash)
    }

    @Test func aForkedChildRunsTheSameFile() {
        let child = key(91, 950)
        var table = ProcessTable([
            exec(process, "store", version: 3, at: 0), look(.memfd, at: 100, sha256: hash),
            fork(child, of: process, "store", version: 3, at: 150),
        ])
        let description = table.describe(child, version: 3, at: 160)
        #expect(description?.sha256 == hash && description?.image == .memfd)
        #expect(description?.arguments == ["store"])
    }

    /// A process that sends all day is looked at every second.
    @Test func looksThatShowTheSameLeaveNoTrace() {
        var table = ProcessTable([exec(process, "store", version: 3, at: 0)])
        for second: Int64 in 1...100 { table.add(look(nil, at: second * 1000, sha256: hash)) }
        #expect(table.store.entries[0].timeline.moments.count == 2)
        table.add(look(.deleted, at: 101_000, sha256: hash))
        #expect(table.store.entries[0].timeline.moments.count == 3)
        #expect(table.describe(process, version: 3, at: 100_500)?.image == .deleted)
        for time: Int64 in [1000, 99_000, 100_000] {
            #expect(table.describe(process, version: 3, at: time)?.image == nil)
        }
        #expect(table.describe(process, version: 3, at: 102_000)?.image == .deleted)
    }

    @Test func whatWasWrittenAgainForTheSameMomentReplaces() {
        func told(_ description: ProcessDescription, at milliseconds: Int64) -> ProcessRecord {
            ProcessRecord(
                event: .snapshot, time: moment(milliseconds), process: process, imageVersion: 3,
                name: TaskName("store".utf8), description: description)
        }
        let first = ProcessDescription(pid: 90, name: "store")
        var second = first
        second.sha256 = hash
        var third = second
        third.image = .deleted
        var table = ProcessTable([told(first, at: 0), told(second, at: 0), told(third, at: 100)])
        #expect(table.describe(process, version: 3, at: 50) == second)
        #expect(table.describe(process, version: 3, at: 100) == third)
    }

    @Test func anExecIsFoundWithinASpan() {
        var table = ProcessTable([exec(process, "store", version: 3, at: 100), look(nil, at: 150)])
        #expect(table.didExec(host: 0, process: process, after: moment(99), until: moment(100)) == true)
        #expect(table.didExec(host: 0, process: process, after: moment(100), until: moment(200)) == false)
        #expect(table.didExec(host: 0, process: key(1, 1), after: moment(0), until: moment(200)) == false)
    }
}
