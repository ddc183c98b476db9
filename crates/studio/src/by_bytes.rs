//! Values that are kept as long as there is room: what was used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// A store of at most so many bytes. What is larger than all of the room is not kept at all.
#[derive(Debug)]
pub(crate) struct ByBytes<K, V> {
    most: usize,
    held: usize,
    used: u64,
    values: HashMap<K, (V, usize, u64)>,
    by_use: BTreeMap<u64, K>,
}

impl<K: Copy + Eq + Hash, V: Clone> ByBytes<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, held: 0, used: 0, values: HashMap::new(), by_use: BTreeMap::new() }
    }

    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        self.used += 1;
        let (value, _, last) = self.values.get_mut(&key)?;
        self.by_use.remove(last);
        *last = self.used;
        self.by_use.insert(self.used, key);
        Some(value.clone())
    }

    pub(crate) fn put(&mut self, key: K, value: V, bytes: usize) {
        self.remove(key);
        if bytes > self.most {
            return;
        }
        while self.held + bytes > self.most {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            if let Some((_, freed, _)) = self.values.remove(&oldest) {
                self.held -= freed;
            }
        }
        self.used += 1;
        self.held += bytes;
        self.values.insert(key, (value, bytes, self.used));
        self.by_use.insert(self.used, key);
    }

    pub(crate) fn remove(&mut self, key: K) {
        if let Some((_, bytes, last)) = self.values.remove(&key) {
            self.held -= bytes;
            self.by_use.remove(&last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut store = ByBytes::new(10);
        for key in 0..3 {
            store.put(key, key * 10, 4);
        }
        assert_eq!([store.get(0), store.get(1), store.get(2)], [None, Some(10), Some(20)]);
        store.get(1);
        store.put(3, 30, 4);
        assert_eq!([store.get(1), store.get(2), store.get(3)], [Some(10), None, Some(30)]);
        store.put(1, 11, 10);
        assert_eq!([store.get(1), store.get(3)], [Some(11), None]);
        store.put(4, 40, 11);
        assert_eq!([store.get(4), store.get(1)], [None, Some(11)]);
        assert_eq!(store.held, 10);
        store.remove(1);
        assert_eq!((store.held, store.by_use.len()), (0, 0));
    }
}
