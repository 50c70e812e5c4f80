"""Many clients at once while workers are killed: at the end nothing may be lost or doubled."""
