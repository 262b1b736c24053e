import Generation
import Inference
import Kernels
import Settings

extension CacheLimits {
    /// Pages for the running jobs, as many as the settings allow but enough for one of any length,
    /// and for one evaluation beside them.
    init(_ settings: CoordinatorSettings, _ served: ServedModel) {
        let limits = Scheduler.Limits(settings, served)
        let longest = CacheLayout.pageCount(positions: limits.contextLength)
        let format = CacheFormat(settings.keyValueType)
        var pages = limits.runningSequences * longest
        let byteCount = settings.cache.byteCount
        if byteCount > 0 {
            let layout = CacheLayout(served.description, format: format)
            pages = min(pages, max(longest, byteCount / layout.pageByteCount))
        }
        self.init(positions: (pages + longest) * CacheLayout.pageLength, format: format)
    }
}

extension PrefixLimits {
    init(_ settings: CoordinatorSettings, _ served: ServedModel) {
        let sharing: Sharing =
            switch settings.cache.sharing {
            case .off: .none
            case .key: .owners
            case .all: .all
            }
        let format = CacheFormat(settings.keyValueType)
        let pageByteCount = CacheLayout(served.description, format: format).pageByteCount
        let byteCount = settings.cache.prefixByteCount
        self.init(sharing: sharing, pageCount: byteCount > 0 ? byteCount / pageByteCount : .max)
    }
}

extension CacheFormat {
    fileprivate init(_ type: KeyValueType) {
        switch type {
        case .f16: self = .f16
        case .q8_0: self = .q8_0
        }
    }
}
