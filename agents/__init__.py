"""What runs inside the hosts: packet formats, protocol cores, the kernel's side, and roles."""
