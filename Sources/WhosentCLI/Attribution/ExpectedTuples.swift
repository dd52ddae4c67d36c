import Capture
import Classification
import PacketDecoding
import Records

/// What a classifier expects of the frames of a batch (``Classification/Classifier/expect(_:)``).
struct ExpectedTuples {
    private var tuples: [TupleFingerprint] = []

    /// Asks the classifier about every frame of a batch.
    mutating func expect(_ frames: Span<FrameBatch.Frame>, of classifier: inout Classifier) {
        if tuples.count < frames.count { tuples = Array(repeating: TupleFingerprint(), count: FrameBatch.capacity) }
        var span = tuples.mutableSpan
        for index in frames.indices {
            if let glance = frames[index].glance, glance.transport == .udp { span[index] = classifier.expect(glance) }
        }
    }

    /// What is expected of a frame of the batch; of no meaning for others than UDP.
    subscript(index: Int) -> TupleFingerprint { tuples[index] }
}
