//! Which addresses a request of ours may go to. A person who types in a URL must not reach through
//! us what only we can reach: this machine, its network, a cloud's metadata. So only addresses of
//! the public internet count, and those that the admin names on top.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that share their first bits, such as `192.168.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    first: IpAddr,
    bits: u8,
}

impl Block {
    const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Self {
        Self { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Self {
        Self { first: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), bits }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let (first, address, width) = match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => (first.to_bits().into(), address.to_bits().into(), 32),
            (IpAddr::V6(first), IpAddr::V6(address)) => (first.to_bits(), address.to_bits(), 128),
            _ => return false,
        };
        let differ: u128 = first ^ address;
        differ.checked_shr(width - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

/// An address alone is a block of one.
impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let wrong = || format!("{text:?} is not a block of addresses: write 192.168.0.0/16 or fd00::/8");
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |bits| bits.parse().map_err(|_| wrong()))?;
        if bits > width { Err(wrong()) } else { Ok(Self { first, bits }) }
    }
}

/// IANA's special-purpose IPv4 registry, multicast, and what is reserved.
const NOT_PUBLIC_V4: [Block; 15] = [
    Block::v4(0, 0, 0, 0, 8),
    Block::v4(10, 0, 0, 0, 8),
    Block::v4(100, 64, 0, 0, 10),
    Block::v4(127, 0, 0, 0, 8),
    Block::v4(169, 254, 0, 0, 16),
    Block::v4(172, 16, 0, 0, 12),
    Block::v4(192, 0, 0, 0, 24),
    Block::v4(192, 0, 2, 0, 24),
    Block::v4(192, 88, 99, 0, 24),
    Block::v4(192, 168, 0, 0, 16),
    Block::v4(198, 18, 0, 0, 15),
    Block::v4(198, 51, 100, 0, 24),
    Block::v4(203, 0, 113, 0, 24),
    Block::v4(224, 0, 0, 0, 4),
    Block::v4(240, 0, 0, 0, 4),
];

/// All that is routed. Addresses which carry an IPv4 address (mapped, NAT64) are outside of it.
const GLOBAL_V6: Block = Block::v6(0x2000, 0, 0, 3);

/// Inside [`GLOBAL_V6`]: protocols (Teredo among them), documentation twice, 6to4.
const NOT_PUBLIC_V6: [Block; 4] = [
    Block::v6(0x2001, 0, 0, 23),
    Block::v6(0x2001, 0xdb8, 0, 32),
    Block::v6(0x2002, 0, 0, 16),
    Block::v6(0x3fff, 0, 0, 20),
];

pub fn is_public(address: IpAddr) -> bool {
    let among = |blocks: &[Block]| blocks.iter().any(|block| block.contains(address));
    match address {
        IpAddr::V4(_) => !among(&NOT_PUBLIC_V4),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !among(&NOT_PUBLIC_V6),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks() {
        let block = |text: &str| text.parse::<Block>();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(block("192.168.0.0/16").unwrap().contains(address("192.168.255.1")));
        assert!(!block("192.168.0.0/16").unwrap().contains(address("192.169.0.0")));
        assert!(block("10.1.2.3").unwrap().contains(address("10.1.2.3")));
        assert!(!block("10.1.2.3").unwrap().contains(address("10.1.2.2")));
        assert!(block("0.0.0.0/0").unwrap().contains(address("8.8.8.8")));
        assert!(block("::/0").unwrap().contains(address("fd00::1")));
        assert!(!block("::/0").unwrap().contains(address("8.8.8.8")), "families are apart");
        assert!(block("fd00::/8").unwrap().contains(address("fdff::1")));
        for wrong in ["", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "lan", "10/8"] {
            assert!(block(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_edges_of_what_is_public() {
        for (text, want) in [
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("198.20.0.0", true),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("2001:200::1", true),
            ("2001:1ff::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff:fff::1", false),
            ("3fff:1000::1", true),
            ("4000::1", false),
            ("::", false),
            ("::1", false),
            ("::ffff:1.1.1.1", false),
            ("::1.1.1.1", false),
            ("64:ff9b::1.1.1.1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("fc00::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), want, "{text}");
        }
    }
}
