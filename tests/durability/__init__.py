"""The durability harness: processes killed, power cut, faults; then what is held is
compared with what the sandbox really holds. See docs/reliability.md."""
