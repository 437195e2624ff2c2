"""What a gateway keeps: histories, alarms, notices that it holds or put aside, and whom it refuses."""
