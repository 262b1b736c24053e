import Benchmarking
import Testing

@Suite("What repeated measurements say")
struct SampleTests {
    @Test("The median is the middle value, or the mean of the two in the middle")
    func median() {
        #expect(Sample([3]).median == 3)
        #expect(Sample([9, 1, 5]).median == 5)
        #expect(Sample([1, 100, 3, 5]).median == 4)
    }

    @Test("Least and most are those of the values")
    func range() {
        let sample = Sample([4, 2, 8, 6])
        #expect(sample.minimum == 2)
        #expect(sample.maximum == 8)
    }

    @Test("Ratios are made pair by pair, so a slow moment of the machine drops out")
    func ratios() {
        let ours = Sample([20, 10, 40])
        let theirs = Sample([10, 5, 10])
        #expect(ours.ratios(to: theirs).values == [2, 2, 4])
        #expect(ours.ratios(to: theirs).median == 2)
    }

    @Test("Measuring repeats as often as it is told, in order")
    func repeating() {
        var next = 0.0
        let sample = Sample(repeating: 3) {
            next += 1
            return next
        }
        #expect(sample.values == [1, 2, 3])
    }
}
