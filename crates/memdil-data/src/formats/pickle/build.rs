//! Building the values of the functions and classes that a pickle names.

use std::borrow::Cow;

use super::element::{Type, element_count};
use super::machine::{Machine, damaged};
use super::node::{Array, Node, Ref};
use super::symbol::{Symbol, refusal};

/// Builds the value that Python would create by calling `symbol` with these arguments.
pub(super) fn reduce(
    machine: &mut Machine<'_>,
    symbol: Symbol,
    arguments: &[Ref],
) -> Result<Ref, String> {
    match (symbol, arguments) {
        (Symbol::Reconstruct, [class, ..]) => {
            if !matches!(machine.node(*class), Some(Node::Symbol(Symbol::NdArray))) {
                return Err(damaged());
            }
            let kind = Type::parse("V0").ok_or_else(damaged)?;
            machine.push_array(Array {
                kind,
                shape: vec![0],
                fortran: false,
                data: Ref::NONE,
            })
        }
        (Symbol::FromBuffer, [data, kind, shape, order]) => {
            let fortran = match text(machine, *order)?.as_str() {
                "C" => false,
                "F" => true,
                _ => return Err(damaged()),
            };
            let array = array(machine, *shape, *kind, fortran, *data)?;
            machine.push_array(array)
        }
        (Symbol::FromBuffer, [..]) => Err(
            "holds an array whose axes were permuted; save np.ascontiguousarray of it".to_owned(),
        ),
        (Symbol::Scalar, [kind, value]) => scalar(machine, *kind, *value),
        (Symbol::Dtype, [name, ..]) => {
            let name = text(machine, *name)?;
            let kind = Type::parse(&name).ok_or_else(|| refusal(&format!("numpy.dtype {name}")))?;
            machine.add(Node::Type(kind))
        }
        (Symbol::Encode, [content, codec]) => encode(machine, *content, *codec),
        (Symbol::Bytes | Symbol::ByteArray, []) => machine.add(Node::Bytes(Cow::Borrowed(&[]))),
        (Symbol::ByteArray, [content]) => match machine.node(*content) {
            Some(Node::Bytes(_)) => Ok(*content),
            _ => Err(damaged()),
        },
        (Symbol::ByteArray, [content, codec]) => encode(machine, *content, *codec),
        (Symbol::OrderedDict, []) => machine.add(Node::Dict(Vec::new())),
        (Symbol::OrderedDict, [pairs]) => ordered(machine, *pairs),
        _ => Err(damaged()),
    }
}

/// Completes a value created by [`reduce`]: the byte order of a type, or the content of an array.
pub(super) fn build(machine: &mut Machine<'_>, target: Ref, state: Ref) -> Result<(), String> {
    let state = match machine.node(state) {
        // NumPy writes at most nine entries.
        Some(Node::Tuple(items)) if items.len() < 16 => items.clone(),
        _ => return Err(damaged()),
    };
    let built = match (machine.node(target), &state[..]) {
        (Some(&Node::Type(kind)), [_, order, subarray, names, _, size, ..]) => {
            let order = text(machine, *order)?;
            let mut kind = kind.with_order(&order).ok_or_else(damaged)?;
            let plain = |value: Ref| value == Ref::NONE;
            kind.compound = !plain(*subarray) || !plain(*names);
            // The size must match the size in the type's name; otherwise the file is damaged.
            if let Some(size) = machine.integer(*size)
                && size >= 0
                && !kind.is_object()
                && !kind.compound
                && size.cast_unsigned() != kind.size()
            {
                return Err(damaged());
            }
            Node::Type(kind)
        }
        (Some(Node::Array(_)), [_, shape, kind, fortran, data])
        | (Some(Node::Array(_)), [shape, kind, fortran, data]) => {
            let fortran = match machine.node(*fortran) {
                Some(Node::Bool(fortran)) => *fortran,
                _ => machine.integer(*fortran).ok_or_else(damaged)? != 0,
            };
            Node::Array(Box::new(array(machine, *shape, *kind, fortran, *data)?))
        }
        _ => return Err(damaged()),
    };
    machine.replace(target, built)
}

/// Creates an array, whose bytes must fill its shape.
fn array(
    machine: &Machine<'_>,
    shape: Ref,
    kind: Ref,
    fortran: bool,
    data: Ref,
) -> Result<Array, String> {
    let Some(&Node::Type(kind)) = machine.node(kind) else {
        return Err(damaged());
    };
    let shape = shape_of(machine, shape)?;
    let count = element_count(&shape).ok_or_else(damaged)?;
    let (found, claimed, unit) = match machine.node(data) {
        Some(Node::Bytes(bytes)) if !kind.is_object() => {
            (bytes.len(), count.checked_mul(kind.size()), "bytes")
        }
        Some(Node::List(items)) if kind.is_object() => (items.len(), Some(count), "elements"),
        _ => return Err(damaged()),
    };
    if claimed != Some(found as u64) {
        let kind = kind.descr();
        return Err(format!(
            "holds an array of type {kind} whose {found} {unit} do not fill the shape {shape:?}; download or save it again"
        ));
    }
    Ok(Array {
        kind,
        shape,
        fortran,
        data,
    })
}

/// Reads a shape: a tuple of at most 64 sizes, or a single size.
fn shape_of(machine: &Machine<'_>, shape: Ref) -> Result<Vec<u64>, String> {
    let size = |size: Ref| {
        let size = machine
            .integer(size)
            .and_then(|size| u64::try_from(size).ok());
        size.ok_or_else(damaged)
    };
    match machine.node(shape) {
        Some(Node::Tuple(sizes) | Node::List(sizes)) if sizes.len() <= 64 => {
            sizes.iter().map(|&reference| size(reference)).collect()
        }
        Some(Node::Tuple(_) | Node::List(_)) => Err(damaged()),
        _ => Ok(vec![size(shape)?]),
    }
}

/// Converts a NumPy scalar to a plain value, or to an array without dimensions.
fn scalar(machine: &mut Machine<'_>, kind: Ref, value: Ref) -> Result<Ref, String> {
    let Some(&Node::Type(element)) = machine.node(kind) else {
        return Err(damaged());
    };
    if element.is_object() {
        return Ok(value);
    }
    let bytes = match machine.node(value) {
        Some(Node::Bytes(bytes)) if bytes.len() as u64 == element.size() => bytes,
        _ => return Err(damaged()),
    };
    if let Some(truth) = element.truth(bytes) {
        machine.add(Node::Bool(truth))
    } else if let Some(value) = element.float(bytes) {
        machine.add(Node::Float(value))
    } else if let Some(value) = element.integer(bytes) {
        machine.add_integer(value)
    } else {
        machine.push_array(Array {
            kind: element,
            shape: Vec::new(),
            fortran: false,
            data: value,
        })
    }
}

/// Encodes a string of characters below 256 as bytes.
fn encode(machine: &mut Machine<'_>, content: Ref, codec: Ref) -> Result<Ref, String> {
    let codec = text(machine, codec)?;
    if !["latin1", "latin-1", "iso-8859-1"].contains(&codec.as_str()) {
        return Err(damaged());
    }
    // Scanning a string takes time, and a pickle may refer to the same string a million times.
    let length = match machine.node(content) {
        Some(Node::Text(text)) => text.len(),
        _ => return Err(damaged()),
    };
    machine.charge(length)?;
    let encoded = match machine.node(content) {
        Some(Node::Text(Cow::Borrowed(text))) if text.is_ascii() => Cow::Borrowed(text.as_bytes()),
        Some(Node::Text(text)) => {
            // Reserve the exact size: a growing vector would temporarily take three times as much.
            let mut bytes = Vec::with_capacity(text.chars().count());
            for character in text.chars() {
                bytes.push(u8::try_from(u32::from(character)).map_err(|_| damaged())?);
            }
            Cow::Owned(bytes)
        }
        _ => return Err(damaged()),
    };
    machine.add(Node::Bytes(encoded))
}

/// Creates a dictionary from a list of pairs, as which Python 2 writes `OrderedDict`.
fn ordered(machine: &mut Machine<'_>, pairs: Ref) -> Result<Ref, String> {
    let length = match machine.node(pairs) {
        Some(Node::List(pairs)) => pairs.len(),
        _ => return Err(damaged()),
    };
    machine.charge(length * size_of::<(Ref, Ref)>())?;
    let mut entries = Vec::with_capacity(length);
    if let Some(Node::List(pairs)) = machine.node(pairs) {
        for &pair in pairs {
            match machine.node(pair) {
                Some(Node::List(pair) | Node::Tuple(pair)) if pair.len() == 2 => {
                    entries.push((pair[0], pair[1]));
                }
                _ => return Err(damaged()),
            }
        }
    }
    machine.add(Node::Dict(entries))
}

/// Copies a short string, which ends the borrow of the machine.
fn text(machine: &Machine<'_>, reference: Ref) -> Result<String, String> {
    let text = match machine.node(reference) {
        Some(Node::Text(text)) => text,
        Some(Node::Bytes(bytes)) => std::str::from_utf8(bytes).map_err(|_| damaged())?,
        _ => return Err(damaged()),
    };
    if text.len() > 100 {
        return Err(damaged());
    }
    Ok(text.to_owned())
}
