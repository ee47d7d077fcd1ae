"""The optional model judge, without its wire: what it is asked, what it may answer, how code adds the answers up."""
