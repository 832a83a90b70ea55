//! Generates prost's messages and pbjson's code for their JSON from the contract that the variable
//! CONTRACT names; set.bin, its descriptors, is for prost-reflect.
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let contract = PathBuf::from(env::var("CONTRACT")?);
    let folder = contract.parent().ok_or("CONTRACT has no folder")?;
    let set = PathBuf::from(env::var("OUT_DIR")?).join("set.bin");
    prost_build::Config::new()
        .file_descriptor_set_path(&set)
        .compile_well_known_types()
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_protos(&[&contract], &[folder])?;
    pbjson_build::Builder::new()
        .register_descriptors(&fs::read(&set)?)?
        .build(&[".lab"])?;
    println!("cargo:rerun-if-changed={}", contract.display());
    println!("cargo:rerun-if-env-changed=CONTRACT");
    Ok(())
}
