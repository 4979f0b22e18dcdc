SELECT record FROM fraud_warning_documents WHERE warning_id = $1
