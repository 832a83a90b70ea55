//! The Rust peers: generated code (prost, with pbjson over sonic-rs), and messages by descriptor
//! (prost-reflect over serde_json).
mod harness;

use harness::{Case, Failure, Shape};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::{de::DeserializeOwned, Serialize};

mod lab {
    include!(concat!(env!("OUT_DIR"), "/lab.rs"));
    include!(concat!(env!("OUT_DIR"), "/lab.serde.rs"));
}

const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/set.bin"));

fn main() -> Result<(), Failure> {
    harness::run(cases)
}

fn cases(folder: &str) -> Result<Vec<Case>, Failure> {
    let pool = DescriptorPool::decode(DESCRIPTORS)?;
    let mut all = Vec::new();
    for (name, message) in [
        ("user", "ListUsersResponse"),
        ("users100", "ListUsersResponse"),
        ("deep", "Node"),
        ("numbers", "Numbers"),
        ("text", "Text"),
    ] {
        let shape = Shape::read(folder, name)?;
        all.extend(match message {
            "ListUsersResponse" => generated::<lab::ListUsersResponse>(&shape),
            "Node" => generated::<lab::Node>(&shape),
            "Numbers" => generated::<lab::Numbers>(&shape),
            _ => generated::<lab::Text>(&shape),
        });
        let descriptor = pool.get_message_by_name(&format!("lab.{message}"));
        all.extend(by_descriptor(&shape, descriptor.ok_or("not in the contract")?));
    }
    Ok(all)
}

fn generated<M: Message + Default + Serialize + DeserializeOwned>(shape: &Shape) -> [Case; 2] {
    shape.both(
        "pbjson",
        |json| Ok(sonic_rs::from_slice::<M>(json)?.encode_to_vec()),
        |wire| Ok(sonic_rs::to_vec(&M::decode(wire)?)?),
    )
}

fn by_descriptor(shape: &Shape, descriptor: MessageDescriptor) -> [Case; 2] {
    let same = descriptor.clone();
    let read = move |json: &[u8]| -> Result<Vec<u8>, Failure> {
        let mut text = serde_json::Deserializer::from_slice(json);
        Ok(DynamicMessage::deserialize(descriptor.clone(), &mut text)?.encode_to_vec())
    };
    let write = move |wire: &[u8]| -> Result<Vec<u8>, Failure> {
        Ok(serde_json::to_vec(&DynamicMessage::decode(same.clone(), wire)?)?)
    };
    shape.both("prost-reflect", read, write)
}
