/// Pages of keys and values that can be used again, by the tokens that they were computed from.
///
/// A page is found by its name and believed for its tokens: they are compared, its own and those of
/// every page before it. The least recently used pages give way, the last of a sequence first.
/// A value: it holds pages and never looks into them.
package struct PrefixCache<Page: AnyObject> {
    private struct Entry {
        let scope: String
        let last: PageName
        /// 0 for the first page of a sequence.
        let index: Int
        let tokens: [Int32]
        var page: Page
        /// Pages kept that follow this one.
        var followerCount = 0
        var lastUse: UInt64
    }

    /// Pages that may be kept.
    package let pageLimit: Int
    private var entries: [PageName: Entry] = [:]
    private var time: UInt64 = 0

    package init(pageLimit: Int) { self.pageLimit = pageLimit }

    package var pageCount: Int { entries.count }

    /// Pages for the beginning of a sequence, as many as there are in a row.
    ///
    /// - Parameters:
    ///   - names: of the sequence's pages.
    ///   - limit: pages wanted at most.
    package mutating func pages(
        _ names: PageNames,
        of tokens: [Int32],
        atMost limit: Int
    ) -> [Page] {
        time += 1
        var pages: [Page] = []
        for index in 0..<min(limit, names.count) {
            guard isKept(index, names, of: tokens) else { break }
            let name = names[index].name
            entries[name]?.lastUse = time
            if let page = entries[name]?.page { pages.append(page) }
        }
        return pages
    }

    /// Whether the page is the one that its name says.
    private func isKept(_ index: Int, _ names: PageNames, of tokens: [Int32]) -> Bool {
        let (name, last) = names[index]
        guard let entry = entries[name] else { return false }
        let start = index * names.pageLength
        return entry.index == index && entry.scope == names.scope && entry.last == last
            && entry.tokens.elementsEqual(tokens[start..<start + names.pageLength])
    }

    /// Keeps a page that is computed, for sequences that begin alike.
    ///
    /// It is not kept where the one before it is not, for nobody would find it.
    package mutating func keep(_ page: Page, at index: Int, _ names: PageNames, of tokens: [Int32])
    {
        let (name, last) = names[index]
        guard pageLimit > 0, entries[name] == nil else { return }
        guard index == 0 || isKept(index - 1, names, of: tokens) else { return }
        time += 1
        if index > 0 { entries[last]?.followerCount += 1 }
        let start = index * names.pageLength
        entries[name] = Entry(
            scope: names.scope,
            last: last,
            index: index,
            tokens: Array(tokens[start..<start + names.pageLength]),
            page: page,
            lastUse: time
        )
        if entries.count > pageLimit { _ = removeOldest { _ in true } }
    }

    /// Lets go of the page that was least recently used and that nobody else holds.
    ///
    /// - Returns: false where there is none.
    package mutating func evict() -> Bool { removeOldest { isKnownUniquelyReferenced(&$0) } }

    /// Only a page that none follows goes, so that what stays can be found.
    private mutating func removeOldest(where isFree: (inout Page) -> Bool) -> Bool {
        var oldest: (name: PageName, lastUse: UInt64)?
        // By index: a loop over the entries would hold each page once more.
        var place = entries.startIndex
        while place < entries.endIndex {
            defer { entries.formIndex(after: &place) }
            let lastUse = entries.values[place].lastUse
            guard entries.values[place].followerCount == 0, lastUse < oldest?.lastUse ?? .max,
                isFree(&entries.values[place].page)
            else { continue }
            oldest = (entries.keys[place], lastUse)
        }
        guard let oldest, let entry = entries.removeValue(forKey: oldest.name) else { return false }
        if entry.index > 0 { entries[entry.last]?.followerCount -= 1 }
        return true
    }
}
