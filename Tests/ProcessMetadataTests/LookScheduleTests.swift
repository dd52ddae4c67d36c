import Testing

@testable import ProcessMetadata

@Suite struct LookScheduleTests {
    let process = key(5, 50)

    @Test func aProcessIsLookedAtOnceASecond() {
        var schedule = LookSchedule()
        #expect(schedule.isDue(process, version: 1, at: moment(0)) == true)
        schedule.begin(process, version: 1, at: moment(0))
        for time: Int64 in [0, 1, 500, 999] {
            let isDue = schedule.isDue(process, version: 1, at: moment(time))
            #expect(!isDue)
        }
        #expect(schedule.isDue(process, version: 1, at: moment(1000)) == true)
        #expect(schedule.isDue(process, version: 2, at: moment(1)) == true, "another image is another look")
        #expect(schedule.isDue(key(5, 51), version: 1, at: moment(1)) == true, "and so is another process")
    }

    /// Processes whose ids share a place push each other out there, and nowhere else.
    @Test func sendersThatTakeTurnsAreNotLookedAtForIt() {
        var schedule = LookSchedule()
        let other = key(5 + 64, 50)
        schedule.begin(process, version: 1, at: moment(0))
        schedule.begin(other, version: 1, at: moment(0))
        for time: Int64 in 1..<100 {
            #expect(schedule.isDue(process, version: 1, at: moment(time)) == false)
            #expect(schedule.isDue(other, version: 1, at: moment(time)) == false)
        }
    }

    @Test func whatIsOutstandingIsKnown() {
        var schedule = LookSchedule()
        #expect(schedule.begun(process) == nil)
        schedule.begin(process, version: 1, at: moment(7))
        schedule.begin(process, version: 2, at: moment(8))
        #expect(schedule.begun(process) == moment(8) && schedule.outstanding == 1)
        schedule.end(process)
        schedule.end(process)
        #expect(schedule.begun(process) == nil && schedule.outstanding == 0)
        schedule.begin(process, version: 2, at: moment(9))
        schedule.forget(process)
        #expect(schedule.outstanding == 0)
        #expect(schedule.isDue(process, version: 2, at: moment(9)) == true)
        schedule.begin(process, version: 2, at: moment(9))
        schedule.removeAll()
        #expect(schedule.outstanding == 0)
        #expect(schedule.isDue(process, version: 2, at: moment(9)) == true)
    }

    @Test func aFloodOfProcessesStaysBounded() {
        var schedule = LookSchedule()
        for pid: UInt32 in 1...50_000 {
            schedule.begin(key(pid, 1), version: 1, at: moment(0))
            #expect(schedule.outstanding <= 16_384)
        }
        #expect(schedule.isDue(key(50_000, 1), version: 1, at: moment(1)) == false)
    }
}
