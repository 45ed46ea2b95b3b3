//! Finds cycles in a directed graph.

use std::collections::{BTreeMap, BTreeSet};

/// The strongly connected components with more than one node.
pub(super) fn cycles<Node: Clone + Ord>(graph: &BTreeMap<Node, BTreeSet<Node>>) -> Vec<Vec<Node>> {
    let reach: BTreeMap<&Node, BTreeSet<&Node>> = graph
        .keys()
        .map(|node| (node, reachable(graph, node)))
        .collect();
    let mut found: Vec<Vec<Node>> = Vec::new();
    for node in graph.keys() {
        if found.iter().any(|cycle| cycle.contains(node)) {
            continue;
        }
        let both = |other: &&Node| reach[node].contains(*other) && reach[*other].contains(node);
        let cycle: Vec<Node> = graph.keys().filter(both).cloned().collect();
        if cycle.len() > 1 {
            found.push(cycle);
        }
    }
    found
}

/// The nodes that are reachable from a node, directly or indirectly.
fn reachable<'a, Node: Ord>(
    graph: &'a BTreeMap<Node, BTreeSet<Node>>,
    from: &Node,
) -> BTreeSet<&'a Node> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Node> = graph.get(from).into_iter().flatten().collect();
    while let Some(node) = open.pop() {
        if found.insert(node) {
            open.extend(graph.get(node).into_iter().flatten());
        }
    }
    found
}
