"""Ray actors, the object store and the cache: the room that connects pure code to the cluster."""
