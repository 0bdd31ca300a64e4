"""Rules on what data may hold and what models may use: personal data, columns, age, origin, licence."""
