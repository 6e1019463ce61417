-- Publishable keys run presets and do nothing else.

UPDATE keys SET scopes = '["run"]' WHERE kind = 'publishable';
