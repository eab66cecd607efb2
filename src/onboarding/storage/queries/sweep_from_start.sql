delete from sweep_position
