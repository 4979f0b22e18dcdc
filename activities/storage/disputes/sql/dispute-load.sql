SELECT record FROM dispute_documents WHERE dispute_id = $1
