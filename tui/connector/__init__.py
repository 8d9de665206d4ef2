"""What a connector is and what can be asked of one."""
