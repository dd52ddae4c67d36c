import CAttributionEvents
import Testing

@testable import Probe

@Suite("The embedded BPF object")
struct ObjectTests {
    @Test func opensWithoutPrivilege() throws {
        let object = try AttributionObject()
        let names = Set(object.programNames)
        for reading in LoadedObject.Reading.allCases {
            #expect(names.isSuperset(of: ["egress_\(reading)", "transmit_\(reading)"]))
        }
    }

    @Test(arguments: [0, 4, 64, 4096])
    func refusesDamagedImages(byteCount: Int) {
        #expect(throws: ProbeError.self) { try open([UInt8](repeating: 0x7F, count: byteCount)) }
    }

    private func open(_ image: [UInt8]) throws {
        _ = unsafe try AttributionObject(name: "damaged", image: image.span.bytes)
    }

    /// The section that user space writes holds one struct, as the C header has it.
    @Test func configurationIsAllOfTheReadOnlySection() throws {
        try AttributionObject().configure(attribution_config())
        #expect(try AttributionObject().mapValueSize(".bss") == MemoryLayout<attribution_shared>.size)
    }

    @Test func recordsHaveTheKernelsLayout() {
        #expect(MemoryLayout<attribution_send>.size == 96)
        #expect(MemoryLayout<attribution_wire>.size == 72)
        #expect(MemoryLayout<attribution_tuple>.size == 36)
        #expect(MemoryLayout<attribution_socket_event>.size == 80)
        #expect(MemoryLayout<attribution_process>.size == 104)
        #expect(MemoryLayout<attribution_image>.size == 128)
        #expect(MemoryLayout<attribution_send>.offset(of: \.packet) == 72)
    }
}
